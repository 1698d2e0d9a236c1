#include "tools/doveadm/mail/become.h"

#include <fmt/format.h>
#include <grp.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/check.h"

namespace mail::doveadm {

Result<BecomeForAWhile> BecomeForAWhile::become(const daemon::Identity& who) {
  if (!who.chroot.empty()) {
    return fail(Fault::Config,
                "mail_chroot: only one user at a time can be "
                "served (use -u)");
  }
  int count = getgroups(0, nullptr);
  std::vector<gid_t> before(count < 0 ? 0 : static_cast<size_t>(count));
  if (count < 0 || getgroups(count, before.data()) != count) {
    return fail_errno("getgroups", errno);
  }
  // From here on the destructor goes back, however far it went.
  BecomeForAWhile out(std::move(before));
  if (setgroups(who.groups.size(), who.groups.data()) != 0) {
    return fail_errno("setgroups", errno);
  }
  // mail_privileged_group can be made effective from the saved id.
  gid_t saved = who.saved_gid.value_or(who.gid);
  if (setresgid(static_cast<gid_t>(-1), who.gid, saved) != 0) {
    return fail_errno(fmt::format("setresgid {}", who.gid), errno);
  }
  if (seteuid(who.uid) != 0) {
    return fail_errno(fmt::format("seteuid {}", who.uid), errno);
  }
  return out;
}

BecomeForAWhile::~BecomeForAWhile() {
  if (!active_) return;
  CHECK(seteuid(0) == 0);
  CHECK(setresgid(0, 0, 0) == 0);
  CHECK(setgroups(groups_.size(), groups_.data()) == 0);
}

}  // namespace mail::doveadm
