#include <fcntl.h>

#include <catch2/catch.hpp>

#include "delivery/scache/cache.h"

using namespace mail;
using namespace std::chrono_literals;
using scache::Cache;

namespace {
UniqueFd some_fd() { return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }
}  // namespace

TEST_CASE("a connection is handed out once, the newest first", "[scache]") {
  Cache cache;
  Instant now{};
  cache.save_endpoint({"e", "one", some_fd(), now + 2s});
  cache.save_endpoint({"e", "two", some_fd(), now + 2s});
  CHECK(cache.take_endpoint("e")->endpoint_property == "two");
  CHECK(cache.take_endpoint("e")->endpoint_property == "one");
  CHECK_FALSE(cache.take_endpoint("e"));
}

TEST_CASE("destinations lead to endpoints that are still there", "[scache]") {
  Cache cache;
  Instant now{};
  cache.save_destination({"d", "dp", "e", now + 5s});
  CHECK_FALSE(cache.take_destination("d"));
  cache.save_endpoint({"e", "ep", some_fd(), now + 2s});
  auto found = cache.take_destination("d");
  REQUIRE(found);
  CHECK(found->destination_property == "dp");
  CHECK(found->fd);
  cache.save_endpoint({"e", "ep", some_fd(), now + 2s});
  cache.expire(now + 2s);
  CHECK(cache.connections() == 0);
  CHECK_FALSE(cache.take_destination("d"));
}
