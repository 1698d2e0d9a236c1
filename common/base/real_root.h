#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail {

/// The file system as it was before chroot(2): open it first, and absolute
/// paths go on meaning what the administrator wrote, symbolic links too.
class RealRoot {
 public:
  /// Errors: "open /: reason".
  static Result<RealRoot> open();
  /// The same root once more, after chroot(2) too.
  Result<RealRoot> duplicate() const;
  /// As open(2) with O_CLOEXEC; `path` is absolute; `mode` counts with O_CREAT.
  /// Errors: "open PATH: ...".
  Result<UniqueFd> open_file(const std::string& path, int flags,
                             mode_t mode = 0600) const;

 private:
  explicit RealRoot(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// One file that others may replace at any time.
class WatchedFile {
 public:
  /// A relative path is taken from the present working directory.
  explicit WatchedFile(std::string path);
  const std::string& path() const { return path_; }

  /// Another file, size or time than the last read() has seen, at the end of
  /// all symbolic links. Three system calls.
  bool changed(const RealRoot& root) const { return look(root) == Look::Other; }
  /// Hidden: we may not even look, say after giving up root.
  enum class Look { Same, Other, Hidden };
  Look look(const RealRoot& root) const;
  /// The whole file, remembered as seen even when it fails.
  /// Errors: "open PATH: reason" with errno; Protocol when over `limit`.
  Result<std::string> read(const RealRoot& root, size_t limit = 1 << 20);

 private:
  struct Seen {
    uint64_t device = 0, inode = 0, size = 0;
    int64_t seconds = 0, nanoseconds = 0;
    bool exists = false;
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  static Seen seen(const struct stat& status);
  // nullopt: hidden.
  std::optional<Seen> present(const RealRoot& root) const;

  std::string path_;
  Seen seen_;
};

}  // namespace mail
