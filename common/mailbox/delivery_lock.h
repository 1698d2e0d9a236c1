#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail::mailbox {

/// mailbox_delivery_lock and what goes with it.
struct LockOptions {
  bool dotlock = false, fcntl = false, flock = false;
  int attempts = 20;                ///< deliver_lock_attempts
  std::chrono::seconds delay{1};    ///< deliver_lock_delay
  std::chrono::seconds stale{500};  ///< stale_lock_time
};
/// Errors: Config `unknown lock method: X`.
Result<> set_lock_methods(LockOptions& options, std::string_view list);

/// PATH.lock, as long as it lives.
class DotLock {
 public:
  DotLock() = default;
  /// Waits as the options say; an older one than `stale` is removed.
  /// Errors: sys EEXIST when another holds it; of open(2).
  static Result<DotLock> acquire(const std::string& path,
                                 const LockOptions& options);
  DotLock(DotLock&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  DotLock& operator=(DotLock&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~DotLock();

 private:
  std::string path_;  // empty: none
};

/// fcntl and flock as the options say, exclusive; held until `fd` is closed.
/// Errors: sys EAGAIN.
Result<> lock_file(int fd, const LockOptions& options);

}  // namespace mail::mailbox
