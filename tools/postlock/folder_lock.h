#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail::postlock {

enum class LockStyle { Flock, Fcntl, Dotlock };

struct LockPatience {
  int attempts = 20;                ///< deliver_lock_attempts
  std::chrono::seconds delay{1};    ///< deliver_lock_delay, between them
  std::chrono::seconds stale{500};  ///< stale_lock_time: a dotlock so old
};

/// "fcntl, dotlock" and so on.
/// Errors: Config: the word that is none.
Result<std::vector<LockStyle>> parse_styles(std::string_view text);

/// An exclusive lock on a mailbox file, in all of the given styles.
class FolderLock {
 public:
  /// Makes the folder when it is missing. Errors: Temporary: "open file F:
  /// unable to create lock file F.lock: reason" and the like.
  static Result<FolderLock> take(const std::string& folder,
                                 const std::vector<LockStyle>& styles,
                                 const LockPatience& patience);
  FolderLock(FolderLock&& other) noexcept
      : fd_(std::move(other.fd_)),
        dotlock_(std::exchange(other.dotlock_, {})) {}
  FolderLock& operator=(FolderLock&&) = delete;
  /// Removes the dotlock.
  ~FolderLock();

 private:
  FolderLock() = default;
  UniqueFd fd_;
  std::string dotlock_;
};

}  // namespace mail::postlock
