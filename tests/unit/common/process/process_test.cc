#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "common/base/file.h"
#include "common/base/unique_fd.h"
#include "common/process/ids.h"
#include "common/process/lock_file.h"
#include "common/process/sandbox.h"
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

TEST_CASE("Who faces the network changes no file but where it must") {
  char directory[] = "/tmp/sandbox_test.XXXXXX";
  REQUIRE(mkdtemp(directory));
  std::string root = directory;
  REQUIRE(mkdir((root + "/active").c_str(), 0700) == 0);
  for (auto file : {"/a", "/active/b"}) {
    REQUIRE(UniqueFd(creat((root + file).c_str(), 0600)));
  }
  pid_t child = fork();
  if (child == 0) {
    Confinement wanted;
    wanted.profile = Profile::FacesNetwork;
    wanted.writes = {root + "/active", root + "/none"};
    if (!confine(wanted)) _exit(1);
    auto opens = [&](const char* name, int flags) {
      return UniqueFd(open((root + name).c_str(), flags, 0600)).get() >= 0;
    };
    if (!opens("/a", O_RDONLY)) _exit(2);
    if (!opens("/active/b", O_RDWR)) _exit(3);
    if (execl("/bin/true", "true", nullptr) == 0) _exit(4);
    // Where there is no Landlock the rest is allowed.
    if (opens("/a", O_RDWR)) _exit(77);
    if (opens("/active/c", O_WRONLY | O_CREAT)) _exit(5);
    if (unlink((root + "/a").c_str()) == 0) _exit(6);
    if (rename((root + "/a").c_str(), (root + "/c").c_str()) == 0) _exit(7);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) WARN("no Landlock in this kernel");
  CHECK(WEXITSTATUS(status) % 77 == 0);
  std::filesystem::remove_all(root);
}
