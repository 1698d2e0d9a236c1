#include "common/base/number.h"

#include <catch2/catch.hpp>

using namespace mail;

TEST_CASE("a number is the whole text", "[base]") {
  CHECK(parse_number<int>("42") == 42);
  CHECK(parse_number<int>("-1") == -1);
  CHECK_FALSE(parse_number<int>("42 "));
  CHECK_FALSE(parse_number<int>("+42"));
  CHECK_FALSE(parse_number<int>(""));
  CHECK_FALSE(parse_number<int>("99999999999"));
  CHECK(parse_number<unsigned>("ff", 16) == 255u);
}

TEST_CASE("times have units, the default unit is the caller's", "[base]") {
  CHECK(parse_time("5", 'd') == 5 * 86400);
  CHECK(parse_time("300s", 'd') == 300);
  CHECK(parse_time("2W", 's') == 1209600);
  CHECK_FALSE(parse_time("5x", 's'));
  CHECK_FALSE(parse_time("-5s", 's'));
  CHECK_FALSE(parse_time("99999w", 's'));
}
