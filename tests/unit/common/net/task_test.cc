#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "common/net/condition.h"
#include "common/net/loop.h"
#include "common/net/task_set.h"
#include "common/net/within.h"

using namespace mail;
using namespace std::chrono_literals;
using net::Task;

namespace {

Task<long> add(long a, long b) { co_return a + b; }

Task<long> sum_to(long n) {
  long sum = 0;
  for (long i = 1; i <= n; ++i) sum = co_await add(sum, i);
  co_return sum;
}

Task<std::unique_ptr<std::string>> slow_text(std::string text) {
  co_await net::sleep(1ms);
  co_return std::make_unique<std::string>(std::move(text));
}

Task<> count_after(Duration span, int* count) {
  co_await net::sleep(span);
  ++*count;
}

Task<> wait_for(net::Condition* condition, const bool* ready, int* woken) {
  while (!*ready) co_await condition->wait();
  ++*woken;
}

Task<Result<int>> answer_after(Duration span, int value) {
  co_await net::sleep(span);
  co_return value;
}

Task<> yield_often(int times, int* count) {
  for (int i = 0; i < times; ++i) co_await net::yield();
  ++*count;
}

}  // namespace

TEST_CASE("a task that never waits costs no stack", "[net]") {
  net::Loop loop;
  CHECK(loop.run(sum_to(100000)) == 5000050000);
}

TEST_CASE("move-only values come out of tasks", "[net]") {
  net::Loop loop;
  CHECK(*loop.run(slow_text("abc")) == "abc");
}

TEST_CASE("10,000 tasks with timers all end, and are all freed", "[net]") {
  net::Loop loop;
  int count = 0;
  net::TaskSet set;
  for (int i = 0; i < 10000; ++i) {
    set.start(count_after(std::chrono::milliseconds(i % 50), &count));
  }
  CHECK(set.size() == 10000);
  loop.run(set.drained());
  CHECK(count == 10000);
  CHECK(set.empty());
}

TEST_CASE("a condition wakes who waits, from the loop", "[net]") {
  net::Loop loop;
  net::Condition condition;
  bool ready = false;
  int woken = 0;
  net::TaskSet set;
  for (int i = 0; i < 3; ++i) set.start(wait_for(&condition, &ready, &woken));
  condition.notify_all();  // not ready: they wait again
  loop.post([&] {
    ready = true;
    condition.notify_all();
    CHECK(woken == 0);
  });
  loop.run(set.drained());
  CHECK(woken == 3);
}

TEST_CASE("within() gives the value or cancels at the deadline", "[net]") {
  net::Loop loop;
  auto fast =
      loop.run(net::within(net::Deadline::in(5s), answer_after(1ms, 7)));
  CHECK(*fast == 7);
  auto slow =
      loop.run(net::within(net::Deadline::in(5ms), answer_after(1h, 7)));
  REQUIRE_FALSE(slow);
  CHECK(slow.error().sys == ETIMEDOUT);
}

TEST_CASE("yield lets others run", "[net]") {
  net::Loop loop;
  int count = 0;
  net::TaskSet set;
  set.start(yield_often(1000, &count));
  set.start(count_after(1ms, &count));
  loop.run(set.drained());
  CHECK(count == 2);
}
