// Destruction: of any task, at each of its awaits, in any order.
#include <sys/socket.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "common/net/condition.h"
#include "common/net/listener.h"
#include "common/net/stream.h"
#include "common/net/task_set.h"
#include "common/net/within.h"

using namespace mail;
using namespace std::chrono_literals;
using net::Deadline;
using net::Stream;
using net::Task;

namespace {

// Counts the frames alive, so that a leak or a double free shows.
struct Alive {
  explicit Alive(int* count) : count_(count) { ++*count_; }
  Alive(const Alive&) = delete;
  ~Alive() { --*count_; }
  int* count_;
};

struct World {
  int alive = 0;
  int steps = 0;
  net::Condition condition;
  UniqueFd peer;  // keeps the other end of the stream open

  Stream stream() {
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    peer.reset(fds[1]);
    return Stream(UniqueFd(fds[0]));
  }
};

Task<int> inner_sleep(World* world) {
  Alive alive(&world->alive);
  co_await net::sleep(0ms);
  co_return 1;
}

Task<Result<int>> inner_forever(World* world) {
  Alive alive(&world->alive);
  co_await net::sleep(1h);
  co_return 1;
}

// Waits in every way that net knows; each await is one step.
Task<> every_await(World* world) {
  Alive alive(&world->alive);
  ++world->steps;
  co_await net::yield();
  ++world->steps;
  co_await net::sleep(0ms);
  ++world->steps;
  [[maybe_unused]] int one = co_await inner_sleep(world);
  ++world->steps;
  auto late = co_await net::within(Deadline::in(1ms), inner_forever(world));
  CHECK_FALSE(late);
  ++world->steps;
  Stream stream = world->stream();
  auto got = co_await stream.fill(Deadline::in(1ms));
  CHECK_FALSE(got);
  ++world->steps;
  std::string large(8 << 20, 'x');
  auto sent = co_await stream.send(large, Deadline::in(1ms));
  CHECK_FALSE(sent);
  ++world->steps;
  co_await world->condition.wait();
  ++world->steps;
}

Task<> nudge_forever(World* world) {
  while (true) {
    co_await net::sleep(1ms);
    world->condition.notify_all();
  }
}

Task<> until_step(World* world, int step) {
  while (world->steps < step) co_await net::yield();
}

}  // namespace

TEST_CASE("a task is cancelled at each of its awaits", "[net]") {
  for (int step = 1; step <= 8; ++step) {
    net::Loop loop;
    World world;
    {
      net::TaskSet set;
      net::TaskSet helpers;
      if (step == 8) helpers.start(nudge_forever(&world));
      set.start(every_await(&world));
      loop.run(until_step(&world, step));
      CHECK(world.steps == step);
      CHECK(set.size() == (step < 8 ? 1u : 0u));
    }
    CHECK(world.alive == 0);
  }
}

TEST_CASE("10,000 tasks are destroyed in any order at any point", "[net]") {
  net::Loop loop;
  std::mt19937 random(7);
  int alive = 0;
  {
    std::vector<std::unique_ptr<World>> worlds;
    std::vector<std::unique_ptr<net::TaskSet>> sets;
    for (int i = 0; i < 10000; ++i) {
      worlds.push_back(std::make_unique<World>());
      sets.push_back(std::make_unique<net::TaskSet>());
      // Steps 0 to 3: without descriptors, of which there are not so many.
      sets.back()->start(every_await(worlds.back().get()));
      if (i % 20 == 0) sets[random() % sets.size()]->clear();
    }
    std::shuffle(sets.begin(), sets.end(), random);
    for (int i = 0; i < 5000; ++i) sets.pop_back();
    loop.run(until_step(worlds.front().get(), 0));
    sets.clear();
    for (auto& world : worlds) alive += world->alive;
  }
  CHECK(alive == 0);
}

TEST_CASE("a task that was never started frees its arguments", "[net]") {
  net::Loop loop;
  World world;
  {
    auto task = every_await(&world);
  }
  CHECK(world.alive == 0);
}
