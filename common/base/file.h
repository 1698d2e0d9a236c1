#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail {

/// open(2) with O_CLOEXEC always added. Errors: "open PATH: reason", errno.
Result<UniqueFd> open_file(const std::string& path, int flags,
                           mode_t mode = 0600);

/// A whole file. Errors: as open_file; Protocol when larger than `limit`.
Result<std::string> read_file(const std::string& path, size_t limit = 64 << 20);

/// write(2) until all is written. Errors: "write: reason".
Result<> write_all(int fd, std::string_view bytes);

/// Replaces `path` so that a crash at any moment leaves the old or the new
/// file: PATH.tmp.PID, fsync, rename, fsync of the directory.
Result<> replace_file(const std::string& path, std::string_view bytes,
                      mode_t mode);

/// fsync of the directory that holds `path`.
Result<> sync_directory_of(const std::string& path);

}  // namespace mail
