#include "dkim-milter/key_safety.h"

#include <errno.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <memory>
#include <optional>

#include "common/process/ids.h"

namespace mail::dkim_milter {

namespace {

Failure unsafe(std::string_view problem, const struct stat& status,
               std::string_view remedy) {
  return fail(Fault::Config,
              fmt::format("{} (mode {:04o}; to mend: {})", problem,
                          status.st_mode & 07777, remedy));
}

/// Somebody else than root and `uid` who is in the group; "" if nobody is.
/// The original's two ways of saying so differ by a comma.
std::string other_member(gid_t gid, uid_t uid) {
  std::string own;
  if (auto account = process::find_account(uid); account && *account) {
    own = (*account)->name;
  }
  std::string found;
  setpwent();
  while (passwd* entry = getpwent()) {
    if (entry->pw_gid == gid && entry->pw_uid != 0 && entry->pw_uid != uid) {
      found = fmt::format("(e.g. \"{}\")", entry->pw_name);
      break;
    }
  }
  endpwent();
  if (!found.empty()) return found;
  group* members = getgrgid(gid);
  for (char** name = members ? members->gr_mem : nullptr; name && *name;
       ++name) {
    if (own != *name && std::string_view("root") != *name) {
      return fmt::format("(e.g., \"{}\")", *name);
    }
  }
  return "";
}

Result<> check_group(const std::string& path, const struct stat& status,
                     uid_t uid, std::string_view remedy) {
  std::string other = other_member(status.st_gid, uid);
  if (other.empty()) return {};
  return unsafe(fmt::format("{} is in group {} which has multiple users {}",
                            path, status.st_gid, other),
                status, remedy);
}

std::string executing(uid_t uid) {
  return fmt::format("the executing uid ({}){}", uid,
                     uid == 0 ? "" : " or the superuser");
}

Result<> check_file(const std::string& path, uid_t uid) {
  struct stat status;
  if (stat(path.c_str(), &status) < 0) return fail_errno(path, errno);
  if (!S_ISREG(status.st_mode)) {
    return fail(Fault::Config, path + ": open(): Not a regular file");
  }
  if (status.st_uid != uid && status.st_uid != 0) {
    return unsafe(fmt::format("{} is not owned by {}", path, executing(uid)),
                  status, fmt::format("chown {} {}", uid, path));
  }
  if (status.st_mode & (S_IROTH | S_IWOTH)) {
    return unsafe(path + " can be read or written by other users", status,
                  "chmod o= " + path);
  }
  if (status.st_mode & (S_IRGRP | S_IWGRP)) {
    return check_group(path, status, uid, "chmod go= " + path);
  }
  return {};
}

Result<> check_directory(const std::string& path, uid_t uid) {
  struct stat status;
  if (stat(path.c_str(), &status) < 0) return fail_errno(path, errno);
  if (status.st_mode & S_IWOTH) {
    return unsafe(path + " can be read or written by other users", status,
                  status.st_mode & S_ISVTX
                      ? "move the key elsewhere, e.g. to /etc/dkimkeys"
                      : "chmod o-w " + path);
  }
  if (status.st_mode & S_IWUSR && status.st_uid != 0 && status.st_uid != uid) {
    return unsafe(fmt::format("{} is writeable and owned by uid {} which is "
                              "not {}",
                              path, status.st_uid, executing(uid)),
                  status, fmt::format("chown {} {}", uid, path));
  }
  if (status.st_mode & S_IWGRP) {
    return check_group(path, status, uid, "chmod g-w " + path);
  }
  return {};
}

}  // namespace

Result<> check_key_safety(const std::string& path, uid_t uid) {
  std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr),
                                              free);
  if (!real) return fail_errno(path, errno);
  std::string at = real.get();
  TRY(check_file(at, uid));
  while (at != "/") {
    at.resize(at.rfind('/'));
    if (at.empty()) at = "/";
    TRY(check_directory(at, uid));
  }
  return {};
}

}  // namespace mail::dkim_milter
