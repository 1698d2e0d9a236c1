#pragma once

#include <sys/stat.h>

#include <functional>
#include <optional>

#include "common/mailbox/delivery_lock.h"

namespace mail::mailbox {

/// Appends more bytes to `out`; false: those were the last.
using Fill = std::function<Result<bool>(std::string& out)>;

/// Appends one message to an mbox file, or to a device such as /dev/null.
/// All calls are made with the rights of its owner (or of its directory).
class MboxWriter {
 public:
  /// Opens or creates (0600) and locks. `weak_dotlock`: goes on without one
  /// where none can be made. Errors: sys is the errno; EAGAIN: locked.
  static Result<MboxWriter> open(const std::string& path,
                                 const LockOptions& locks, bool weak_dotlock);

  const struct stat& info() const { return info_; }
  bool created() const { return created_; }
  /// For a file that root made for its owner. Errors: of fchown(2).
  Result<> give_to(uid_t uid, gid_t gid);
  /// Writes and syncs. The file is cut back to what it was on any error.
  /// limit: of the file's size, 0: none (sys EFBIG).
  Result<> append(const Fill& fill, size_t limit);

 private:
  Result<> write(const Fill& fill, size_t limit);

  DotLock dot_lock_;
  UniqueFd fd_;
  std::string path_;
  struct stat info_{};
  bool created_ = false;
};

}  // namespace mail::mailbox
