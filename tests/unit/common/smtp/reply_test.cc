#include "common/smtp/reply.h"

#include <catch2/catch.hpp>

using namespace mail::smtp;

TEST_CASE("Replies are written as they should be", "[smtp]") {
  std::string wire;
  Reply(250, "2.1.0", "Ok").append_to(wire);
  Reply(250, "", "host\nPIPELINING\nSIZE 1").append_to(wire);
  Reply(550, "5.7.1", "one\ntwo").append_to(wire);
  CHECK(wire ==
        "250 2.1.0 Ok\r\n250-host\r\n250-PIPELINING\r\n250 SIZE 1\r\n"
        "550-5.7.1 one\r\n550 5.7.1 two\r\n");
  CHECK(Reply(550, "5.7.1", "one\ntwo").line() ==
        "550-5.7.1 one\n550 5.7.1 two");
}

TEST_CASE("Text to a reply and back", "[smtp]") {
  for (std::string text :
       {"250 2.1.0 Ok", "354 go on", "550-5.1.1 a\n550 5.1.1 b"}) {
    CHECK(parse_reply(text).line() == text);
  }
  CHECK(parse_reply("550 5.7.1 no").status == "5.7.1");
  CHECK(parse_reply("550 2.7.1 no").status.empty());
  CHECK(parse_reply("junk").code == 0);
  CHECK(parse_reply("250").code == 250);
}

TEST_CASE("Enhanced status codes", "[smtp]") {
  CHECK(parse_dsn_code("5.1.1 x")->text() == "5.1.1");
  CHECK(parse_dsn_code("4.123.456"));
  for (std::string bad : {"", "3.1.1", "5.1", "5.1.", "5.1.1x", "5.1234.1"}) {
    CHECK_FALSE(parse_dsn_code(bad));
  }
  ReceivedReply reply;
  reply.code = 451;
  CHECK(reply.dsn().text() == "4.0.0");
  reply.code = 354;
  CHECK(reply.dsn().text() == "2.0.0");
  reply.code = 199;
  CHECK(reply.dsn().text() == "5.5.0");
}

TEST_CASE("Replies are read in any split", "[smtp]") {
  std::string wire = "noise\r\n550-5.1.1 one\r\n550 5.1.1 two\r\n250 ok\r\n";
  for (size_t step = 1; step <= wire.size(); ++step) {
    ReplyParser parser;
    std::vector<ReceivedReply> replies;
    for (size_t at = 0; at < wire.size(); at += step) {
      std::string_view part = std::string_view(wire).substr(at, step);
      while (!part.empty()) {
        part.remove_prefix(parser.feed(part));
        if (parser.complete()) replies.push_back(parser.take());
      }
    }
    REQUIRE(replies.size() == 2);
    CHECK(replies[0].joined() == "550-5.1.1 one 550 5.1.1 two");
    CHECK(replies[0].text == "one\ntwo");
    CHECK(replies[0].garbage == "noise");
    CHECK(replies[0].dsn() == DsnCode{5, 1, 1});
    CHECK(replies[1].text == "ok");
  }
}

TEST_CASE("Endless replies stay in bounds", "[smtp]") {
  ReplyParser parser({10, 100});
  for (int i = 0; i < 1000; ++i) parser.feed("250-xxxxxxxxxxxxxxxxxxxx\r\n");
  parser.feed("250 end\r\n");
  REQUIRE(parser.complete());
  CHECK(parser.take().text.size() < 150);
}
