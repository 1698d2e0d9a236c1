#include <catch2/catch.hpp>

#include "master/tlsmgr/session_value.h"

using namespace mail;

TEST_CASE("A stored session is hexadecimal, its time first", "[tlsmgr]") {
  auto value = tlsmgr::pack_session(0x6b, "\x30\xff");
  CHECK(value == "6B0000000000000030FF");
  auto session = tlsmgr::unpack_session(value);
  REQUIRE(session);
  CHECK(session->stored == 0x6b);
  CHECK(session->bytes == "\x30\xff");
  CHECK_FALSE(tlsmgr::unpack_session("6B00"));
  CHECK_FALSE(tlsmgr::unpack_session("6B0000000000000030F"));
  CHECK_FALSE(tlsmgr::unpack_session("XX00000000000000"));
}
