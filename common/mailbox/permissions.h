#pragma once

#include <sys/stat.h>

#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail::mailbox {

/// Mode and group of what is created in a mailbox: those of its directory;
/// files without the x bits.
struct Permissions {
  mode_t directory = 0700, file = 0600;
  gid_t group = static_cast<gid_t>(-1);  ///< -1: need not be set

  /// As `path` has them; 0700 and 0600 if it is not there.
  static Permissions of(const std::string& path);

  /// mkdir(2) of `path` and of what is missing above. EEXIST is success.
  Result<> make_directories(const std::string& path) const;
  /// open(2) with O_CREAT | O_CLOEXEC. Errors: "open PATH: ..." with errno.
  Result<UniqueFd> create(const std::string& path, int flags) const;
  /// Replaces `path` by way of TEMPORARY: fsync if `sync`, rename.
  Result<> replace(const std::string& path, const std::string& temporary,
                   std::string_view bytes, bool sync) const;
};

}  // namespace mail::mailbox
