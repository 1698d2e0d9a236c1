#include "common/mailbox/denied.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace mail::mailbox {

namespace {

constexpr const char* kUnknown = "<unknown>";

std::string user_text(uid_t uid) {
  const passwd* entry = getpwuid(uid);
  return fmt::format("{}({})", uid, entry ? entry->pw_name : kUnknown);
}

std::string group_text(gid_t gid) {
  const group* entry = getgrgid(gid);
  return fmt::format("{}({})", gid, entry ? entry->gr_name : kUnknown);
}

bool in_group(gid_t gid) {
  if (gid == getegid()) return true;
  std::vector<gid_t> groups(
      static_cast<size_t>(std::max(getgroups(0, nullptr), 0)));
  int n = getgroups(static_cast<int>(groups.size()), groups.data());
  return n > 0 && std::find(groups.begin(), groups.begin() + n, gid) !=
                      groups.begin() + n;
}

bool may(const std::string& path, int mode) {
  return faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0 ||
         errno != EACCES;
}

/// "missing +x perm: PATH..." if it is. letter: r, w or x.
std::optional<std::string> missing(const std::string& path, char letter,
                                   bool parent) {
  int mode = letter == 'r' ? R_OK : letter == 'w' ? W_OK : X_OK;
  if (may(path, mode)) return std::nullopt;
  std::string out = fmt::format("missing +{} perm: {}", letter, path);
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return out;
  if (info.st_uid == geteuid()) {
    if (parent) out += ", dir owner missing perms";
    return out;
  }
  mode_t group_bit = static_cast<mode_t>(mode) << 3;
  if ((info.st_mode & group_bit) && !in_group(info.st_gid)) {
    out += fmt::format(", we're not in group {}", group_text(info.st_gid));
  }
  if (parent) {
    out += fmt::format(", dir owned by {}:{} mode={:04o}", info.st_uid,
                       info.st_gid, info.st_mode & 0777);
  }
  return out;
}

std::string find_missing(const std::string& path, Wanted wanted) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    auto found = missing(path.substr(0, slash), 'x', true);
    if (found) return *found;
  }
  std::optional<std::string> found;
  if (wanted == Wanted::Entry) {
    size_t slash = path.rfind('/');
    if (slash != std::string::npos) {
      found = missing(slash == 0 ? "/" : path.substr(0, slash), 'w', true);
    }
  } else {
    found = missing(path, wanted == Wanted::Read ? 'r' : 'w', false);
  }
  return found.value_or("UNIX perms appear ok (ACL/MAC wrong?)");
}

}  // namespace

std::string explain_denied(const std::string& path, Wanted wanted) {
  return fmt::format(" (euid={} egid={} {})", user_text(geteuid()),
                     group_text(getegid()), find_missing(path, wanted));
}

Failure fail_access(std::string_view what, const std::string& path,
                    Wanted wanted, int sys) {
  if (sys != EACCES) return fail_errno(what, sys);
  return fail(Error{Fault::Temporary,
                    fmt::format("{}: {}{}", what, strerror(sys),
                                explain_denied(path, wanted)),
                    sys});
}

}  // namespace mail::mailbox
