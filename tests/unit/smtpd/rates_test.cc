#include "smtpd/anvil/rates.h"

#include <catch2/catch.hpp>

using namespace mail;
using namespace std::chrono_literals;
using anvil::Rates;

TEST_CASE("connections and rates are counted by client and time unit",
          "[anvil]") {
  Rates rates(60s);
  Instant start{};
  WallTime wall{};
  std::string a = "smtp:192.0.2.1", b = "smtp:192.0.2.2";
  CHECK(rates.connect(a, start, wall).rate == 1);
  auto second = rates.connect(a, start + 1s, wall);
  CHECK(second.count == 2);
  CHECK(second.rate == 2);
  CHECK(rates.connect(b, start, wall).count == 1);
  CHECK(rates.count(Rates::kMessage, a, start + 2s, wall) == 1);
  rates.disconnect(a, start + 3s);
  CHECK(rates.connections(a) == 1);
  // A new time unit counts anew; connections stay.
  auto later = rates.connect(a, start + 61s, wall);
  CHECK(later.rate == 1);
  CHECK(later.count == 2);
  CHECK(rates.rate(Rates::kMessage, a, start + 62s) == 0);
}

TEST_CASE("clients that are gone are forgotten after the time unit",
          "[anvil]") {
  Rates rates(60s);
  Instant start{};
  rates.connect("x", start, {});
  rates.expire(start + 61s);
  CHECK(rates.size() == 1);  // still connected
  rates.disconnect("x", start);
  rates.expire(start + 59s);
  CHECK(rates.size() == 1);
  rates.expire(start + 61s);
  CHECK(rates.size() == 0);
}

TEST_CASE("statistics name the worst client, once", "[anvil]") {
  Rates rates(60s);
  rates.connect("smtp:192.0.2.1", {}, {});
  rates.connect("smtp:192.0.2.1", {}, {});
  auto lines = rates.take_statistics();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].starts_with(
      "statistics: max connection rate 2/60s for (smtp:192.0.2.1) at "));
  CHECK(lines[1].starts_with(
      "statistics: max connection count 2 for (smtp:192.0.2.1) at "));
  CHECK(lines[2].starts_with("statistics: max cache size 1 at "));
  CHECK(rates.take_statistics().empty());
}
