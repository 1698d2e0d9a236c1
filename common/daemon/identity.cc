#include <fmt/format.h>
#include <grp.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/number.h"
#include "common/daemon/user_workers.h"

namespace mail::daemon {

std::string Identity::text() const {
  return fmt::format("{}:{}:{}:{}:{}", uid, gid,
                     saved_gid ? fmt::format("{}", *saved_gid) : "",
                     fmt::join(groups, ","), chroot);
}

std::optional<Identity> Identity::parse(std::string_view text) {
  auto piece = [&text](char end) {
    auto at = std::min(text.find(end), text.size());
    auto taken = text.substr(0, at);
    text.remove_prefix(std::min(at + 1, text.size()));
    return taken;
  };
  Identity who;
  auto uid = parse_number<uid_t>(piece(':'));
  auto gid = parse_number<gid_t>(piece(':'));
  if (!uid || !gid) return std::nullopt;
  who.uid = *uid;
  who.gid = *gid;
  auto saved = piece(':');
  who.saved_gid = parse_number<gid_t>(saved);
  if (!saved.empty() && !who.saved_gid) return std::nullopt;
  std::string_view groups = piece(':');
  who.chroot = text;
  text = groups;
  while (!text.empty()) {
    auto group = parse_number<gid_t>(piece(','));
    if (!group) return std::nullopt;
    who.groups.push_back(*group);
  }
  return who;
}

Result<> Identity::become() const {
  if (geteuid() != 0) {
    if (geteuid() == uid && chroot.empty()) return {};
    return fail(Fault::Config,
                fmt::format("Couldn't drop privileges: not running as root, "
                            "but as UID {}: cannot become UID {}",
                            geteuid(), uid));
  }
  if (!chroot.empty()) {
    if (::chroot(chroot.c_str()) != 0) {
      return fail_errno(fmt::format("chroot({}) failed", chroot), errno);
    }
    if (chdir("/") != 0) return fail_errno("chdir(/) failed", errno);
  }
  if (setgroups(groups.size(), groups.data()) != 0) {
    return fail_errno("setgroups() failed", errno);
  }
  if (setresgid(gid, gid, saved_gid.value_or(gid)) != 0) {
    return fail_errno(fmt::format("setgid({}) failed", gid), errno);
  }
  if (setresuid(uid, uid, uid) != 0) {
    return fail_errno(fmt::format("setuid({}) failed", uid), errno);
  }
  // What could be undone would be no protection.
  if (uid != 0 && setuid(0) == 0) {
    return fail(Fault::Config, "root rights could not be given up");
  }
  return {};
}

}  // namespace mail::daemon
