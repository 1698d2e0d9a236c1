#include "common/mailbox/permissions.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/base/file.h"
#include "common/mailbox/denied.h"

namespace mail::mailbox {

Permissions Permissions::of(const std::string& path) {
  Permissions out;
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return out;
  out.directory = info.st_mode & 02777;
  if (!S_ISDIR(info.st_mode)) out.directory |= 0100;
  out.file = info.st_mode & 0666;
  bool for_group = (info.st_mode >> 3 & 7) != (info.st_mode & 7);
  if (for_group && info.st_gid != getegid()) out.group = info.st_gid;
  return out;
}

Result<> Permissions::make_directories(const std::string& path) const {
  if (mkdir(path.c_str(), directory & 0777) != 0) {
    int error = errno;
    struct stat info;
    if (error == EEXIST) return {};
    // A parent that is there need not be ours to write in.
    if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return {};
    size_t slash = path.rfind('/');
    if (error != ENOENT || slash == path.npos || slash == 0) {
      return fail_access(fmt::format("mkdir({}) failed", path), path,
                         Wanted::Entry, error);
    }
    TRY(make_directories(path.substr(0, slash)));
    if (mkdir(path.c_str(), directory & 0777) != 0 && errno != EEXIST) {
      return fail_access(fmt::format("mkdir({}) failed", path), path,
                         Wanted::Entry, errno);
    }
  }
  // The group first: it may clear the setgid bit.
  bool ignored = group == static_cast<gid_t>(-1) ||
                 chown(path.c_str(), static_cast<uid_t>(-1), group) == 0;
  if (directory != 0700 || !ignored) chmod(path.c_str(), directory);
  return {};
}

Result<UniqueFd> Permissions::create(const std::string& path, int flags) const {
  UniqueFd fd(
      ::open(path.c_str(), flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd)
    return fail_access(fmt::format("open({}) failed", path), path,
                       Wanted::Entry, errno);
  if (group != static_cast<gid_t>(-1) &&
      fchown(fd.get(), static_cast<uid_t>(-1), group) != 0 && errno != EPERM) {
    return fail_errno(fmt::format("fchown({})", path), errno);
  }
  if (file != 0600) fchmod(fd.get(), file);
  return fd;
}

Result<> Permissions::replace(const std::string& path,
                              const std::string& temporary,
                              std::string_view bytes, bool sync) const {
  auto write = [&]() -> Result<> {
    UniqueFd fd = TRY(create(temporary, O_WRONLY | O_TRUNC));
    if (auto written = write_all(fd.get(), bytes); !written) {
      return fail_errno(fmt::format("write({})", temporary),
                        written.error().sys);
    }
    if (sync && fdatasync(fd.get()) != 0) {
      return fail_errno(fmt::format("fdatasync({})", temporary), errno);
    }
    if (rename(temporary.c_str(), path.c_str()) != 0) {
      return fail_errno(fmt::format("rename({}, {})", temporary, path), errno);
    }
    return {};
  };
  auto done = write();
  if (!done) unlink(temporary.c_str());
  return done;
}

}  // namespace mail::mailbox
