#include "master/roster.h"

#include <catch2/catch.hpp>
#include <cstring>

using namespace mail;
using namespace mail::master;
using namespace std::chrono_literals;

namespace {

const Instant kStart{};

StatusMessage says(pid_t pid, unsigned generation, bool available) {
  return {pid, generation, available};
}

}  // namespace

TEST_CASE("A status message is three native ints") {
  int raw[3] = {4711, 9, 1};
  char bytes[12];
  memcpy(bytes, raw, 12);
  StatusMessage message = StatusMessage::decode({bytes, 12});
  CHECK(message.pid == 4711);
  CHECK(message.generation == 9);
  CHECK(message.available);
}

TEST_CASE("The master listens only while nobody is idle") {
  Roster roster(2, false, 60s);
  CHECK(roster.wants_child(kStart));
  roster.started(10, 1, kStart);
  CHECK_FALSE(roster.wants_child(kStart));
  roster.told(says(10, 1, false));
  CHECK(roster.wants_child(kStart));
  roster.started(11, 2, kStart);
  roster.told(says(11, 2, false));
  CHECK_FALSE(roster.wants_child(kStart));  // the limit
  CHECK(roster.exited(11, false, kStart) == Roster::Exit::Fine);
  CHECK(roster.wants_child(kStart));
}

TEST_CASE("Strangers and earlier generations change nothing") {
  Roster roster(0, false, 60s);
  roster.started(10, 5, kStart);
  CHECK(roster.told(says(99, 5, false)) == Roster::Known::No);
  roster.told(says(10, 4, false));
  CHECK_FALSE(roster.wants_child(kStart));
  // Said twice counts once.
  roster.told(says(10, 5, false));
  roster.told(says(10, 5, false));
  roster.told(says(10, 5, true));
  CHECK_FALSE(roster.wants_child(kStart));
}

TEST_CASE("A child that fails before its first client throttles the service") {
  Roster roster(100, false, 60s);
  roster.started(10, 1, kStart);
  CHECK(roster.exited(10, true, kStart + 1s) == Roster::Exit::BadStart);
  CHECK_FALSE(roster.wants_child(kStart + 60s));
  CHECK(roster.throttled(kStart + 60s) == kStart + 61s);
  CHECK(roster.wants_child(kStart + 61s));
}

TEST_CASE("A child that has served, or lived long, does not throttle") {
  Roster roster(100, false, 60s);
  roster.started(10, 1, kStart);
  roster.told(says(10, 1, false));
  roster.told(says(10, 1, true));
  CHECK(roster.exited(10, true, kStart) == Roster::Exit::Fine);
  roster.started(11, 2, kStart);
  CHECK(roster.exited(11, true, kStart + 61s) == Roster::Exit::Fine);
  CHECK(roster.exited(12, true, kStart) == Roster::Exit::Unknown);
}

TEST_CASE("The limit is told of once in a thousand seconds, and is stress") {
  Roster roster(2, true, 60s);
  for (pid_t pid : {10, 11}) {
    roster.started(pid, 1, kStart);
    roster.told(says(pid, 1, false));
  }
  CHECK_FALSE(roster.stressed(kStart));
  CHECK(roster.take_limit_warning(kStart));
  CHECK(roster.stressed(kStart + 999s));
  CHECK_FALSE(roster.take_limit_warning(kStart + 999s));
  CHECK_FALSE(roster.stressed(kStart + 1000s));
  CHECK(roster.take_limit_warning(kStart + 1000s));
}

TEST_CASE("Disowned children count no more") {
  Roster roster(1, false, 60s);
  roster.started(10, 1, kStart);
  roster.disown();
  CHECK(roster.wants_child(kStart));
  CHECK(roster.exited(10, true, kStart) == Roster::Exit::Unknown);
}
