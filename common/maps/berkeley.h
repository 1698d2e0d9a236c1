#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"

struct __db;

namespace mail::maps {

enum class BerkeleyKind { Hash, Btree };

struct BerkeleyCloser {
  void operator()(__db* db) const;
};
using BerkeleyHandle = std::unique_ptr<__db, BerkeleyCloser>;

struct BerkeleyOptions {
  size_t cache = 0;  ///< bytes
  bool writable = false;
  bool create = false;  ///< the file becomes an empty database
};

/// While one lives, this thread's databases are written without fsync(2): for
/// a new file, that is synced once when it is whole.
class Unsynced {
 public:
  Unsynced();
  ~Unsynced();
  Unsynced(const Unsynced&) = delete;
  Unsynced& operator=(const Unsynced&) = delete;
};

/// A Berkeley DB on the open file `fd`, a loan, which must stay open as long:
/// the library never opens the path itself, so it works behind chroot(2) and
/// without the right to open the file anew.
/// Errors: "open database PATH: reason" with errno.
Result<BerkeleyHandle> open_berkeley(int fd, const std::string& path,
                                     BerkeleyKind kind,
                                     const BerkeleyOptions& options);

}  // namespace mail::maps
