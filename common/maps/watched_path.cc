#include "common/maps/watched_path.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/core.h>

namespace mail::maps {

FileStamp FileStamp::of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec};
}

Result<UniqueFd> WatchedPath::open(int flags) const {
  if (root_ != nullptr && path_.starts_with('/')) {
    auto fd = root_->open_file(path_, flags, 0644);
    if (fd) return fd;
    return fail_errno("open database " + path_, fd.error().sys);
  }
  UniqueFd fd(::open(path_.c_str(), flags | O_CLOEXEC, 0644));
  if (!fd) return fail_errno("open database " + path_, errno);
  return fd;
}

void WatchedPath::seen(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) == 0) stamp_ = FileStamp::of(status);
}

bool WatchedPath::changed(Instant now) {
  if (now < next_look_) return false;
  bool first = next_look_ == Instant();
  next_look_ = now + std::chrono::seconds(1);
  if (first) return false;
  struct stat status{};
  if (root_ != nullptr && path_.starts_with('/')) {
    auto fd = root_->open_file(path_, O_PATH);
    if (!fd || ::fstat(fd->get(), &status) != 0) return false;
  } else if (::stat(path_.c_str(), &status) != 0) {
    return false;
  }
  return FileStamp::of(status) != stamp_;
}

}  // namespace mail::maps
