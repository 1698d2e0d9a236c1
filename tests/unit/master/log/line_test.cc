#include "master/log/line.h"

#include <catch2/catch.hpp>

using namespace mail::logd;

TEST_CASE("Log lines of a process are read", "[log]") {
  Line line = parse_line(
      "\x01\x02"
      "92 Login: user=<alice>");
  CHECK(line.type == 1);
  CHECK(line.pid == 92);
  CHECK(line.text == "Login: user=<alice>");
  line = parse_line(
      "\x01\x08"
      "96 prefix=imap(alice): ");
  CHECK(line.type == 7);
  CHECK(line.text == "prefix=imap(alice): ");
  line = parse_line(
      "\x01\x44"
      "96 4 me: gone");
  CHECK(line.type == 3);
  CHECK(line.own_prefix);
  CHECK(line.prefix == "me: ");
  CHECK(line.text == "gone");
}

TEST_CASE("What is no such line is an error as it stands", "[log]") {
  for (std::string_view text : {"ld.so: cannot open", "\x01", "\x01\x02x y",
                                "\x01\x44"
                                "9 99 short",
                                "\x01\x07"
                                "9 odd"}) {
    Line line = parse_line(text);
    CHECK(line.type == 3);
    CHECK(line.pid == 0);
    CHECK(line.text == text);
  }
}

TEST_CASE("A pipe begins with its prefix", "[log]") {
  std::string bytes = write_handshake("imap-login: ") + "more";
  for (size_t cut = 0; cut < 20; ++cut) {
    std::string_view part(bytes.data(), cut);
    CHECK_FALSE(take_handshake(part));
  }
  std::string_view rest = bytes;
  auto prefix = take_handshake(rest);
  REQUIRE(prefix);
  CHECK(*prefix == "imap-login: ");
  CHECK(rest == "more");
}

TEST_CASE("The master's own lines are read", "[log]") {
  auto control = parse_control("33 95 DEFAULT-FATAL child 95 died");
  REQUIRE(control);
  CHECK(control->fd == 33);
  CHECK(control->pid == 95);
  CHECK(control->command == "DEFAULT-FATAL");
  CHECK(control->text == "child 95 died");
  CHECK_FALSE(parse_control("hello there"));
}
