#include "common/base/file.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <cstdlib>

using namespace mail;

TEST_CASE("replace_file leaves the new text, its mode and no temporary",
          "[base]") {
  char directory[] = "/tmp/base_test.XXXXXX";
  REQUIRE(mkdtemp(directory));
  std::string path = std::string(directory) + "/f";
  REQUIRE(replace_file(path, "old", 0600));
  REQUIRE(replace_file(path, "new text", 0640));
  CHECK(*read_file(path) == "new text");
  struct stat info;
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0640);
  CHECK(unlink(path.c_str()) == 0);
  CHECK(rmdir(directory) == 0);  // empty: nothing else was left
}

TEST_CASE("read_file names the file and the reason", "[base]") {
  auto r = read_file("/nonexistent/f");
  REQUIRE_FALSE(r);
  CHECK(r.error().what == "open /nonexistent/f: No such file or directory");
  CHECK_FALSE(read_file("/dev/zero", 1000));
}
