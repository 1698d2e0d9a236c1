#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/real_root.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail::maps {

/// Which file it was, and when last written.
struct FileStamp {
  uint64_t device = 0, inode = 0;
  int64_t size = 0, seconds = 0, nanoseconds = 0;
  static FileStamp of(const struct stat& status);
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// The path of a table's file, looked at no more than once a second.
class WatchedPath {
 public:
  WatchedPath(std::string path, std::shared_ptr<const RealRoot> root)
      : path_(std::move(path)), root_(std::move(root)) {}
  const std::string& path() const { return path_; }

  /// Errors: "open database PATH: reason" and errno.
  Result<UniqueFd> open(int flags) const;
  /// What the open file `fd` is; later changes are told against this.
  void seen(int fd);
  const FileStamp& stamp() const { return stamp_; }
  /// The path leads to another file than the one seen. False while there is
  /// none: a writer may be about to make it.
  bool changed(Instant now);

 private:
  std::string path_;
  std::shared_ptr<const RealRoot> root_;
  FileStamp stamp_;
  Instant next_look_{};
};

}  // namespace mail::maps
