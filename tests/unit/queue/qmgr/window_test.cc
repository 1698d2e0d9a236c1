#include <catch2/catch.hpp>

#include "queue/qmgr/transport.h"

using namespace mail;
using namespace mail::qmgr;
using namespace std::chrono_literals;

namespace {
WindowLimits limits() {
  WindowLimits out;
  out.positive = *parse_feedback("1");
  out.negative = *parse_feedback("1");
  return out;
}
}  // namespace

TEST_CASE("feedback is a number, or a number over the window", "[qmgr]") {
  CHECK(parse_feedback("1")->at(9) == 1);
  CHECK(parse_feedback("1/4")->at(9) == 0.25);
  CHECK(parse_feedback("2/concurrency")->at(4) == 0.5);
  CHECK(parse_feedback("1 / sqrt_concurrency")->at(4) == 0.5);
  CHECK_FALSE(parse_feedback(""));
  CHECK_FALSE(parse_feedback("1/0"));
  CHECK_FALSE(parse_feedback("x/concurrency"));
  CHECK_FALSE(parse_feedback("-1"));
}

TEST_CASE("a busy destination's window grows to its limit", "[qmgr]") {
  auto l = limits();
  l.maximum = 8;
  Window window(l);
  CHECK(window.size() == 5);
  for (int i = 0; i < 20; ++i) window.succeeded(window.size());
  CHECK(window.size() == 8);
}

TEST_CASE("a window that is not used does not grow", "[qmgr]") {
  auto l = limits();
  Window window(l);
  for (int i = 0; i < 20; ++i) window.succeeded(0);
  CHECK(window.size() == 5);
}

TEST_CASE("one failed cohort makes a destination dead for a while", "[qmgr]") {
  auto l = limits();
  Window window(l);
  Instant now{};
  int failures = 0;
  while (!window.failed(now, 300s)) ++failures;
  CHECK(failures < 10);
  CHECK(window.dead(now + 299s));
  CHECK_FALSE(window.dead(now + 300s));
  CHECK(window.size() == 5);  // it begins anew
  window.failed(now, 300s);
  window.revive();
  CHECK_FALSE(window.dead(now));
}

TEST_CASE("without cohorts the window only shrinks, to one at the least",
          "[qmgr]") {
  auto l = limits();
  l.failed_cohorts = 0;
  Window window(l);
  for (int i = 0; i < 20; ++i) CHECK_FALSE(window.failed({}, 1s));
  CHECK(window.size() == 1);
}

TEST_CASE("one recipient at a time waits in a queue of its own", "[qmgr]") {
  Transport t;
  t.recipient_limit = 50;
  CHECK(queue_name(t, "Example.COM", "u+x@d", "+") == "example.com");
  t.recipient_limit = 1;
  CHECK(queue_name(t, "Example.COM", "U+x@d", "+") == "u@example.com");
}
