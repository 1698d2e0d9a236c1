#include "common/base/real_root.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace mail {

Result<RealRoot> RealRoot::open() {
  UniqueFd fd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("open /", errno);
  return RealRoot(std::move(fd));
}

Result<RealRoot> RealRoot::duplicate() const {
  UniqueFd fd(fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!fd) return fail_errno("dup", errno);
  return RealRoot(std::move(fd));
}

Result<UniqueFd> RealRoot::open_file(const std::string& path, int flags,
                                     mode_t mode) const {
  std::string below =
      path.substr(path.find_first_not_of('/') == std::string::npos
                      ? path.size()
                      : path.find_first_not_of('/'));
  if (below.empty()) below = ".";
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  if ((flags & O_CREAT) != 0) how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT;
  int fd = static_cast<int>(
      syscall(SYS_openat2, fd_.get(), below.c_str(), &how, sizeof(how)));
  // Old kernels, and filters that know no openat2: all but absolute symbolic
  // links still work.
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
    fd = openat(fd_.get(), below.c_str(), flags | O_CLOEXEC, mode);
  }
  if (fd < 0) return fail_errno("open " + path, errno);
  return UniqueFd(fd);
}

WatchedFile::WatchedFile(std::string path) : path_(std::move(path)) {
  char here[PATH_MAX];
  if (!path_.empty() && path_[0] != '/' && getcwd(here, sizeof(here))) {
    path_ = std::string(here) + "/" + path_;
  }
}

WatchedFile::Seen WatchedFile::seen(const struct stat& status) {
  return {status.st_dev,
          status.st_ino,
          static_cast<uint64_t>(status.st_size),
          status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec,
          true};
}

std::optional<WatchedFile::Seen> WatchedFile::present(
    const RealRoot& root) const {
  auto fd = root.open_file(path_, O_PATH);
  if (!fd && (fd.error().sys == EACCES || fd.error().sys == EPERM)) {
    return std::nullopt;
  }
  struct stat status{};
  if (!fd || fstat(fd->get(), &status) != 0) return Seen{};
  return seen(status);
}

WatchedFile::Look WatchedFile::look(const RealRoot& root) const {
  auto now = present(root);
  if (!now) return Look::Hidden;
  return *now == seen_ ? Look::Same : Look::Other;
}

Result<std::string> WatchedFile::read(const RealRoot& root, size_t limit) {
  auto fd = root.open_file(path_, O_RDONLY | O_NOCTTY | O_NONBLOCK);
  if (!fd) {
    seen_ = present(root).value_or(seen_);  // unreadable, but there
    return fail(std::move(fd).error());
  }
  struct stat status{};
  if (fstat(fd->get(), &status) != 0) return fail_errno("stat " + path_, errno);
  seen_ = seen(status);
  std::string out;
  char buffer[16384];
  while (true) {
    ssize_t n = ::read(fd->get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + path_, errno);
    if (n == 0) return out;
    out.append(buffer, static_cast<size_t>(n));
    if (out.size() > limit) {
      return fail(Fault::Protocol, path_ + " is too large");
    }
  }
}

}  // namespace mail
