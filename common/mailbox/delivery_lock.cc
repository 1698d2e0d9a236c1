#include "common/mailbox/delivery_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "common/base/ascii.h"

namespace mail::mailbox {

namespace {

void pause(const LockOptions& options) {
  poll(nullptr, 0, static_cast<int>(options.delay.count() * 1000));
}

void remove_if_stale(const std::string& lock, const LockOptions& options) {
  struct stat info;
  if (lstat(lock.c_str(), &info) != 0) return;
  if (info.st_ctime + options.stale.count() < time(nullptr)) {
    unlink(lock.c_str());
  }
}

/// Tries `once` (0: locked) as often as the options say.
template <class Once>
Result<> persist(const LockOptions& options, Once once) {
  for (int i = 0; i < options.attempts; ++i) {
    if (i > 0) pause(options);
    if (once() == 0) return {};
    if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
      return fail_errno("lock", errno);
    }
  }
  return fail_errno("lock", EAGAIN);
}

}  // namespace

Result<> set_lock_methods(LockOptions& options, std::string_view list) {
  for (std::string_view method : split(list)) {
    if (method == "dotlock") {
      options.dotlock = true;
    } else if (method == "fcntl") {
      options.fcntl = true;
    } else if (method == "flock") {
      options.flock = true;
    } else {
      return fail(Fault::Config,
                  fmt::format("unknown lock method: {}", method));
    }
  }
  return {};
}

Result<DotLock> DotLock::acquire(const std::string& path,
                                 const LockOptions& options) {
  std::string lock = path + ".lock";
  int error = EEXIST;
  for (int i = 0; i < options.attempts; ++i) {
    UniqueFd fd(
        ::open(lock.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
    if (fd) {
      DotLock held;
      held.path_ = lock;
      return held;
    }
    error = errno;
    if (error != EEXIST) break;
    remove_if_stale(lock, options);
    if (i + 1 < options.attempts) pause(options);
  }
  return fail_errno(fmt::format("unable to create lock file {}", lock), error);
}

DotLock::~DotLock() {
  if (!path_.empty()) unlink(path_.c_str());
}

Result<> lock_file(int fd, const LockOptions& options) {
  if (options.flock) {
    TRY(persist(options, [fd] { return ::flock(fd, LOCK_EX | LOCK_NB); }));
  }
  if (options.fcntl) {
    TRY(persist(options, [fd] {
      struct flock whole{};
      whole.l_type = F_WRLCK;
      whole.l_whence = SEEK_SET;
      return ::fcntl(fd, F_SETLK, &whole);
    }));
  }
  return {};
}

}  // namespace mail::mailbox
