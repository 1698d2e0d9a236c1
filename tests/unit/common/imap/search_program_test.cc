#include "common/imap/search_program.h"

#include <catch2/catch.hpp>

using namespace mail;
using namespace mail::imap;

namespace {
Args args_of(const std::string& text) {
  ArgReader reader(ArgReader::Options{});
  REQUIRE(reader.read(text + "\r\n") == ArgReader::State::Complete);
  return std::move(reader.args);
}
Result<SearchKey> parse(const std::string& text) {
  SearchLimits limits{10, 100};
  return parse_search(args_of(text), 0, limits);
}
}  // namespace

TEST_CASE("search programs become trees", "[search]") {
  auto key = parse(
      "1:3 NOT SEEN OR FROM a (SUBJECT b UNDELETED) SINCE "
      "1-Jan-2020 UID 5:*");
  REQUIRE(key);
  REQUIRE(key->children.size() == 5);
  CHECK(key->children[0].set.text() == "1:3");
  CHECK(key->children[1].negate);
  CHECK(key->children[2].kind == SearchKey::Kind::Or);
  CHECK(key->children[2].children[1].children[1].negate);
  CHECK(key->children[4].set.text() == "5:100");
  CHECK(parse("NOT NOT SEEN")->children[0].negate == false);
  CHECK(parse("UNKEYWORD foo")->children[0].negate);
  CHECK(parse("HEADER x-foo \"\"")->children[0].word == "X-FOO");
}

TEST_CASE("bad programs are told in the original's words", "[search]") {
  CHECK(parse("FOO").error().what == "Unknown argument FOO");
  CHECK(parse("SUBJECT").error().what ==
        "Missing parameter for search key (for search key: SUBJECT)");
  CHECK(parse("1:2,5 OR SEEN").error().what == "Missing argument");
  CHECK(parse("1:x").error().what == "Invalid messageset");
  CHECK_FALSE(parse("SINCE foo"));
  CHECK_FALSE(parse("LARGER x"));
  CHECK_FALSE(parse("YOUNGER 0"));
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "NOT ";
  CHECK_FALSE(parse(deep + "SEEN"));
}

TEST_CASE("RETURN options", "[search]") {
  auto read = [](const std::string& text) {
    size_t at = 0;
    return parse_search_return(args_of(text), at);
  };
  CHECK(read("RETURN () ALL")->all);
  CHECK(read("RETURN (MIN MAX) ALL")->max);
  CHECK_FALSE(read("ALL")->given);
  CHECK(read("RETURN (PARTIAL 5:2) ALL")->partial_first == 2);
  CHECK(read("RETURN (FOO) ALL").error().what ==
        "Unknown SEARCH return option");
  CHECK_FALSE(read("RETURN (PARTIAL x) ALL"));
  CHECK_FALSE(read("RETURN (PARTIAL 1:2 ALL) ALL"));
}

TEST_CASE("SORT keys", "[search]") {
  auto keys = parse_sort(args_of("(REVERSE DATE SUBJECT)")[0]);
  REQUIRE(keys);
  CHECK((*keys)[0].reverse);
  CHECK_FALSE((*keys)[1].reverse);
  CHECK(parse_sort(args_of("(FOO)")[0]).error().what ==
        "Unknown sort argument: FOO");
}
