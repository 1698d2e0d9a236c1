#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/base/file.h"
#include "common/process/ids.h"
#include "common/process/lock_file.h"
#include "common/process/worker.h"

using namespace mail;
using namespace mail::process;

TEST_CASE("Jobs run elsewhere and complete here") {
  Worker worker(2);
  pthread_t here = pthread_self();
  int done = 0;
  bool elsewhere = false;
  for (int i = 0; i < 5; ++i) {
    worker.submit([&] { elsewhere |= !pthread_equal(here, pthread_self()); },
                  [&] { done += pthread_equal(here, pthread_self()) ? 1 : 0; });
  }
  while (done < 5) {
    pollfd wanted{worker.wake_fd(), POLLIN, 0};
    REQUIRE(poll(&wanted, 1, 10000) == 1);
    worker.drain();
  }
  CHECK(elsewhere);
}

TEST_CASE("A pid file has 33 bytes and only one holder") {
  std::string path = "/tmp/pid_test." + std::to_string(getpid());
  {
    auto lock = PidFile::lock(path);
    REQUIRE(lock);
    REQUIRE(lock->write_pid());
    auto text = read_file(path);
    REQUIRE(text);
    CHECK(text->size() == 33);
    CHECK(text->ends_with(" " + std::to_string(getpid()) + "\n"));
    auto held = is_locked(path);
    REQUIRE(held);
    CHECK(*held);
    auto second = PidFile::lock(path);
    REQUIRE_FALSE(second);
    CHECK(second.error().what ==
          "open lock file " + path +
              ": unable to set exclusive lock: Resource temporarily "
              "unavailable");
  }
  auto held = is_locked(path);
  REQUIRE(held);
  CHECK_FALSE(*held);
  unlink(path.c_str());
  auto missing = is_locked(path);
  REQUIRE(missing);
  CHECK_FALSE(*missing);
}

TEST_CASE("A user that is not there is no error") {
  auto nobody = find_user("no-such-user-here");
  REQUIRE(nobody);
  CHECK_FALSE(*nobody);
  auto root = find_user("root");
  REQUIRE(root);
  REQUIRE(*root);
  CHECK((*root)->uid == 0);
}
