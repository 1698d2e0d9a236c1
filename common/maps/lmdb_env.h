#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"

struct MDB_env;

namespace mail::maps {

struct LmdbCloser {
  void operator()(MDB_env* env) const;
};
using LmdbHandle = std::unique_ptr<MDB_env, LmdbCloser>;

/// The environment in one file. Locks are the caller's (flock), none of the
/// library's. Errors: "open database PATH: reason" with errno.
Result<LmdbHandle> open_lmdb_env(const std::string& path, size_t map_size,
                                 bool writable);

}  // namespace mail::maps
