#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "common/base/file.h"
#include "common/mailbox/maildir_writer.h"

using namespace mail;
using namespace mail::mailbox;
namespace fs = std::filesystem;

namespace {

struct Place {
  Place() {
    char name[] = "/tmp/mailbox_test.XXXXXX";
    path = mkdtemp(name);
  }
  ~Place() { fs::remove_all(path); }
  std::string path;
};

Fill text(std::string bytes) {
  return [bytes](std::string& out) -> Result<bool> {
    out += bytes;
    return false;
  };
}

/// Gives something, then fails.
Fill broken() {
  auto turn = std::make_shared<int>(0);
  return [turn](std::string& out) -> Result<bool> {
    if ((*turn)++ > 0) return fail(Fault::Temporary, "no more");
    out += "half";
    return true;
  };
}

LockOptions quick() {
  LockOptions options;
  options.dotlock = options.fcntl = true;
  options.attempts = 1;
  options.delay = std::chrono::seconds(0);
  return options;
}

}  // namespace

TEST_CASE("an mbox is appended to, or left as it was") {
  Place place;
  std::string box = place.path + "/box";
  {
    auto writer = MboxWriter::open(box, quick(), false);
    REQUIRE(writer);
    CHECK(writer->created());
    CHECK(fs::exists(box + ".lock"));
    CHECK(writer->append(text("one\n"), 0));
  }
  CHECK_FALSE(fs::exists(box + ".lock"));
  {
    auto writer = MboxWriter::open(box, quick(), false);
    REQUIRE(writer);
    CHECK_FALSE(writer->append(broken(), 0));
  }
  {
    auto writer = MboxWriter::open(box, quick(), false);
    REQUIRE(writer);
    auto full = writer->append(text("too much"), 6);
    REQUIRE_FALSE(full);
    CHECK(full.error().sys == EFBIG);
  }
  CHECK(*read_file(box) == "one\n");
  struct stat info;
  REQUIRE(stat(box.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("a lock file is waited for unless it is stale") {
  Place place;
  std::string box = place.path + "/box";
  REQUIRE(replace_file(box + ".lock", "", 0600));
  auto busy = MboxWriter::open(box, quick(), true);
  REQUIRE_FALSE(busy);
  CHECK(busy.error().sys == EEXIST);
  auto options = quick();
  options.attempts = 2;
  // A file may be made in the second that time(2) has not reached yet.
  options.stale = std::chrono::seconds(-2);
  CHECK(MboxWriter::open(box, options, false));
}

TEST_CASE("links are not followed to somewhere else") {
  Place place;
  std::string box = place.path + "/box";
  REQUIRE(replace_file(box, "", 0600));
  fs::create_hard_link(box, place.path + "/other");
  CHECK_FALSE(MboxWriter::open(box, quick(), false));
}

TEST_CASE("a maildir gets whole messages") {
  Place place;
  std::string dir = place.path + "/deep/Maildir/";
  REQUIRE(deliver_to_maildir(dir, "host", text("hello\n"), 0));
  CHECK_FALSE(deliver_to_maildir(dir, "host", broken(), 0));
  CHECK(fs::is_empty(dir + "tmp"));
  CHECK(fs::is_directory(dir + "cur"));
  size_t count = 0;
  for (auto& entry : fs::directory_iterator(dir + "new")) {
    ++count;
    CHECK(*read_file(entry.path()) == "hello\n");
    CHECK(entry.path().string().ends_with(".host"));
  }
  CHECK(count == 1);
}
