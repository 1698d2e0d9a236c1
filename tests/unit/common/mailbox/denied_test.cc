#include "common/mailbox/denied.h"

#include <errno.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "common/base/file.h"
#include "tests/unit/common/mailbox/temporary.h"

using namespace mail;
using namespace mail::mailbox;

namespace {

constexpr uid_t kUid = 65001;
constexpr gid_t kGid = 65002, kOther = 65003;

/// The effective ids of nobody known, with no other groups.
class AsStranger {
 public:
  AsStranger() {
    REQUIRE(setgroups(0, nullptr) == 0);
    REQUIRE(setegid(kGid) == 0);
    REQUIRE(seteuid(kUid) == 0);
  }
  ~AsStranger() {
    CHECK(seteuid(0) == 0);
    CHECK(setegid(0) == 0);
  }
};

std::string explain(const std::string& path, Wanted wanted) {
  AsStranger stranger;
  return explain_denied(path, wanted);
}

void give(const std::string& path, uid_t uid, gid_t gid, mode_t mode) {
  REQUIRE(chown(path.c_str(), uid, gid) == 0);
  REQUIRE(chmod(path.c_str(), mode) == 0);
}

const std::string kWho = " (euid=65001(<unknown>) egid=65002(<unknown>) ";

}  // namespace

TEST_CASE("what is missing where is said as the original does", "[mailbox]") {
  if (geteuid() != 0) return;  // only root can be somebody else
  Home place;
  std::string box = place.path + "/box", file = box + "/file";
  give(place.path, 0, 0, 0755);
  std::filesystem::create_directory(box);
  REQUIRE(replace_file(file, "x", 0600));
  give(file, 0, 0, 0600);
  give(box, 0, 0, 0700);
  CHECK(explain(file, Wanted::Read) ==
        kWho + "missing +x perm: " + box + ", dir owned by 0:0 mode=0700)");
  give(box, 0, kOther, 02750);
  CHECK(explain(file, Wanted::Read) ==
        kWho + "missing +x perm: " + box +
            ", we're not in group 65003(<unknown>), dir owned by 0:65003 "
            "mode=0750)");
  give(box, kUid, 0, 0600);
  CHECK(explain(file, Wanted::Read) ==
        kWho + "missing +x perm: " + box + ", dir owner missing perms)");
  give(box, 0, kGid, 0755);
  CHECK(explain(file, Wanted::Entry) ==
        kWho + "missing +w perm: " + box + ", dir owned by 0:65002 mode=0755)");
  CHECK(explain(file, Wanted::Read) == kWho + "missing +r perm: " + file + ")");
  give(file, 0, kOther, 0640);
  CHECK(explain(file, Wanted::Read) ==
        kWho + "missing +r perm: " + file +
            ", we're not in group 65003(<unknown>))");
  give(file, kUid, 0, 0600);
  CHECK(explain(file, Wanted::Read) ==
        kWho + "UNIX perms appear ok (ACL/MAC wrong?))");
}

TEST_CASE("other errors need no explanation", "[mailbox]") {
  Failure failure = fail_access("open(/x) failed", "/x", Wanted::Read, ENOENT);
  CHECK(Result<>(failure).error().what ==
        "open(/x) failed: No such file or directory");
}
