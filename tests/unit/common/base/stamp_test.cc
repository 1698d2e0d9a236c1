#include "common/base/stamp.h"

#include <catch2/catch.hpp>

using namespace mail;

TEST_CASE("Stamps are syslog's and asctime's", "[base]") {
  tm at{};
  at.tm_year = 126;
  at.tm_mon = 10;
  at.tm_mday = 4;
  at.tm_wday = 3;
  at.tm_hour = 22;
  at.tm_min = 5;
  at.tm_sec = 9;
  CHECK(stamp(at) == "Nov  4 22:05:09");
  CHECK(stamp(at, '0') == "Nov 04 22:05:09");
  CHECK(full_stamp(at) == "Wed Nov  4 22:05:09 2026");
  at.tm_mday = 24;
  CHECK(stamp(at) == "Nov 24 22:05:09");
  CHECK(stamp(at, '0') == "Nov 24 22:05:09");
}
