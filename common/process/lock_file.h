#pragma once

#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail::process {

/// Holds an exclusive flock(2) on `path` as long as it lives; the file holds
/// our pid, right-aligned in 32 columns, and a newline (33 bytes), as
/// Postfix's pid/master.pid and master.lock do.
class PidFile {
 public:
  /// Errors: Config "open lock file PATH: reason" (another holds the lock:
  /// "unable to set exclusive lock: Resource temporarily unavailable").
  static Result<PidFile> lock(const std::string& path);
  /// Writes the pid of this process; after the last fork.
  Result<> write_pid();

 private:
  explicit PidFile(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// Whether somebody holds the lock of a PidFile. A file that is not there is
/// locked by nobody. Errors: as open(2).
Result<bool> is_locked(const std::string& path);

}  // namespace mail::process
