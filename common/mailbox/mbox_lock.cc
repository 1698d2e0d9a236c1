#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "common/base/ascii.h"
#include "common/mailbox/mbox_state.h"
#include "common/mailbox/privileged_group.h"

namespace mail::mailbox {

namespace {

using std::chrono::milliseconds;

Failure timed_out() {
  return fail(Error{Fault::Permanent, "Timeout while waiting for lock", EBUSY});
}

/// Tries until the deadline; false: others hold it.
template <class Once>
bool persist(Instant end, Once once) {
  for (int pause = 1;; pause = std::min(pause * 2, 50)) {
    if (once() == 0) return true;
    if (errno != EAGAIN && errno != EACCES && errno != EINTR) return false;
    if (Clock::now() >= end) {
      errno = EAGAIN;
      return false;
    }
    poll(nullptr, 0, pause);
  }
}

}  // namespace

Result<MboxLock> MboxLock::acquire(const std::string& path, int fd, Kind kind,
                                   const Options& options) {
  MboxLock out;
  out.fd_ = fd;
  out.group_ = options.privileged_group;
  bool write = kind == Kind::Write;
  milliseconds timeout(options.mbox_lock_timeout * 1000UL);
  if (options.mail_max_lock_timeout != 0) {
    timeout =
        std::min(timeout, milliseconds(options.mail_max_lock_timeout * 1000UL));
  }
  Instant end = Clock::now() + timeout;
  for (std::string_view method :
       split(write ? options.mbox_write_locks : options.mbox_read_locks)) {
    if (method == "fcntl" || method == "lockf") {
      struct flock whole{};
      whole.l_type = write ? F_WRLCK : F_RDLCK;
      whole.l_whence = SEEK_SET;
      if (!persist(end, [&] { return ::fcntl(fd, F_SETLK, &whole); })) {
        if (errno == EAGAIN) return timed_out();
        return fail_errno(fmt::format("fcntl({}) failed", path), errno);
      }
      out.fcntl_ = true;
    } else if (method == "flock") {
      int operation = (write ? LOCK_EX : LOCK_SH) | LOCK_NB;
      if (!persist(end, [&] { return ::flock(fd, operation); })) {
        return timed_out();
      }
      out.flock_ = true;
    } else if (method == "dotlock" || method == "dotlock_try") {
      WithGroup group(options.privileged_group);
      auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
      auto lock = ControlLock::acquire(path, options.hostname, left);
      if (lock) {
        out.dot_lock_ = std::move(*lock);
      } else if (lock.error().sys == EBUSY) {
        return timed_out();
      } else if (method == "dotlock") {
        Error error = lock.error();
        if (error.sys == EACCES && !options.privileged_group) {
          error.what += " (set mail_privileged_group=mail)";
        }
        return fail(error);
      }
    } else {
      return fail(Fault::Config,
                  fmt::format("Invalid value {} in mbox_{}_locks", method,
                              write ? "write" : "read"));
    }
  }
  return out;
}

MboxLock::MboxLock(MboxLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      fcntl_(std::exchange(other.fcntl_, false)),
      flock_(std::exchange(other.flock_, false)),
      dot_lock_(std::move(other.dot_lock_)),
      group_(other.group_) {}

MboxLock::~MboxLock() {
  if (dot_lock_) {
    WithGroup group(group_);
    dot_lock_ = ControlLock();
  }
  if (fcntl_) {
    struct flock none{};
    none.l_type = F_UNLCK;
    none.l_whence = SEEK_SET;
    ::fcntl(fd_, F_SETLK, &none);
  }
  if (flock_) ::flock(fd_, LOCK_UN);
}

}  // namespace mail::mailbox
