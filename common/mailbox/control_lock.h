#pragma once

#include <chrono>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail::mailbox {

/// FILE.lock beside a control file (dovecot-uidlist, subscriptions ...), as
/// the original makes it: created exclusively, with PID:HOST in it. One that
/// was not touched for two minutes, or whose process on this host is gone, is
/// removed. Ours are held by flock(2) besides: one that is empty and free was
/// left by a process that died before it wrote its name.
class ControlLock {
 public:
  ControlLock() = default;
  /// Waits in steps of some milliseconds. Errors: sys EBUSY "Timeout (Ns)
  /// while waiting for lock for ..."; of open(2).
  static Result<ControlLock> acquire(const std::string& file,
                                     std::string_view host,
                                     std::chrono::milliseconds timeout);
  ControlLock(ControlLock&& other) noexcept
      : fd_(std::move(other.fd_)), path_(std::move(other.path_)) {
    other.path_.clear();
  }
  ControlLock& operator=(ControlLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
  }
  ~ControlLock();
  explicit operator bool() const { return !path_.empty(); }
  const std::string& path() const { return path_; }
  /// For one who has renamed the lock file over the file.
  void forget() { path_.clear(); }

 private:
  UniqueFd fd_;
  std::string path_;  // empty: none
};

}  // namespace mail::mailbox
