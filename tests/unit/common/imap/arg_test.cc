#include "common/imap/arg.h"

#include <catch2/catch.hpp>

using namespace mail::imap;

namespace {
std::string error_of(std::string_view text) {
  ArgReader reader(ArgReader::Options{});
  if (reader.read(text) != ArgReader::State::Failed) return "";
  return reader.error.what;
}
}  // namespace

TEST_CASE("arguments of all kinds", "[arg]") {
  ArgReader reader(ArgReader::Options{});
  REQUIRE(reader.read("a NIL \"q\\\"s\" (b (c) {3+}\r\nd e) {2+}\r\nxy\r\n") ==
          ArgReader::State::Complete);
  const Args& args = reader.args;
  REQUIRE(args.size() == 5);
  CHECK(args[0].kind == Arg::Kind::Atom);
  CHECK(args[1].kind == Arg::Kind::Nil);
  CHECK(args[2].text == "q\"s");
  REQUIRE(args[3].is_list());
  CHECK(args[3].list[1].list[0].text == "c");
  CHECK(args[3].list[2].text == "d e");
  CHECK(args[4].text == "xy");
}

TEST_CASE("mistakes are told in the original's words", "[arg]") {
  CHECK(error_of("\"\" (\r\n") == "Missing ')'");
  CHECK(error_of("\"\" )\r\n") == "Unexpected ')'");
  CHECK(error_of("\"abc\r\n") == "Missing '\"'");
  CHECK(error_of("t\xC3\xA9st\r\n") == "8bit data in atom");
  CHECK(error_of("\"\"\r\r\n") == "CR sent without LF");
  CHECK(error_of("a \rb\r\n") == "CR sent without LF");
  CHECK(error_of("a\rb\n") == "CR sent without LF");
  CHECK(error_of("a{3}b\r\n") == "Invalid characters in atom");
  CHECK(error_of("{x}\r\n") == "Invalid literal size");
  CHECK(error_of("{99999999999999999999}\r\n") == "Invalid literal size");
  CHECK(error_of(std::string(200, '(') + "\r\n") == "Too many '('");
  CHECK(error_of(std::string(70000, 'a')) == "Too long argument");
}

TEST_CASE("a literal larger than a line ends the connection", "[arg]") {
  ArgReader reader(ArgReader::Options{});
  CHECK(reader.read("{3000000}\r\n") == ArgReader::State::Failed);
  CHECK(reader.error.fatal);
}

TEST_CASE("a literal's bytes are waited for", "[arg]") {
  ArgReader reader(ArgReader::Options{});
  CHECK(reader.read("{5}\r\n") == ArgReader::State::NeedMore);
  CHECK(reader.sync_literals == 1);
  CHECK(reader.need == 10);
  CHECK(reader.read("{5}\r\nabcde") == ArgReader::State::NeedMore);
  CHECK(reader.read("{5}\r\nabcde\r\n") == ArgReader::State::Complete);
  CHECK(reader.args[0].text == "abcde");
}
