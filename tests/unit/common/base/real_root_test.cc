#include "common/base/real_root.h"

#include <fcntl.h>
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
  std::filesystem::remove(dir + "/target");
  CHECK(file.changed(*root));
  CHECK(file.read(*root).error().sys == ENOENT);
  CHECK_FALSE(file.changed(*root));
  std::filesystem::remove_all(dir);
}
