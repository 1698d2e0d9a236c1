#include "common/base/real_root.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "common/base/file.h"

using namespace mail;

TEST_CASE("a watched file is seen to change, also behind symbolic links",
          "[base]") {
  char name[] = "/tmp/real_root.XXXXXX";
  std::string dir = mkdtemp(name);
  auto root = RealRoot::open();
  REQUIRE(root);
  std::filesystem::create_symlink(dir + "/target", dir + "/link");
  WatchedFile file(dir + "/link");
  CHECK_FALSE(file.changed(*root));  // still missing
  CHECK_FALSE(file.read(*root));
  REQUIRE(replace_file(dir + "/target", "one", 0600));
  CHECK(file.changed(*root));
  CHECK(file.read(*root).value() == "one");
  CHECK_FALSE(file.changed(*root));
  REQUIRE(replace_file(dir + "/target", "two", 0600));
  CHECK(file.changed(*root));
  CHECK(file.read(*root).value() == "two");
  CHECK_FALSE(file.read(*root, 2));
  CHECK(WatchedFile("x/y").path() ==
        std::filesystem::current_path().string() + "/x/y");
  std::filesystem::remove(dir + "/target");
  CHECK(file.changed(*root));
  CHECK(file.read(*root).error().sys == ENOENT);
  CHECK_FALSE(file.changed(*root));
  std::filesystem::remove_all(dir);
}

TEST_CASE("a watched file is still followed from inside a chroot", "[base]") {
  if (geteuid() != 0) return;
  char name[] = "/tmp/real_root.XXXXXX";
  std::string dir = mkdtemp(name);
  std::filesystem::create_directory(dir + "/jail");
  std::filesystem::create_symlink(dir + "/target", dir + "/link");
  REQUIRE(replace_file(dir + "/target", "one", 0600));
  auto root = RealRoot::open();
  REQUIRE(root);
  WatchedFile file(dir + "/link");
  REQUIRE(file.read(*root));
  pid_t child = fork();
  if (child == 0) {
    std::string jail = dir + "/jail";
    if (chroot(jail.c_str()) != 0 || chdir("/") != 0) _exit(1);
    auto again = root->duplicate();
    auto text = file.read(*again);
    _exit(text && *text == "one" && !file.changed(*root) ? 0 : 2);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  std::filesystem::remove_all(dir);
}

TEST_CASE("a file made below the root has the mode asked for", "[base]") {
  char name[] = "/tmp/real_root.XXXXXX";
  std::string dir = mkdtemp(name);
  auto root = RealRoot::open();
  REQUIRE(root);
  REQUIRE(root->open_file(dir + "/new", O_RDWR | O_CREAT, 0640));
  struct stat status{};
  REQUIRE(stat((dir + "/new").c_str(), &status) == 0);
  CHECK((status.st_mode & 0700) == 0600);
  std::filesystem::remove_all(dir);
}
