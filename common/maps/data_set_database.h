#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/maps/berkeley.h"

namespace mail::maps {

/// A "db:" data set: keys and values without a final NUL, hash or btree. Any
/// thread may ask; they take turns.
class DataSetDatabase {
 public:
  /// Errors: Config, the reason alone ("No such file or directory").
  static Result<DataSetDatabase> open(const std::string& path);
  /// Errors: Temporary.
  Result<std::optional<std::string>> find(std::string_view key);
  Result<std::vector<std::pair<std::string, std::string>>> entries();

 private:
  DataSetDatabase() = default;
  UniqueFd fd_;  // before the handle, which reads through it
  BerkeleyHandle db_;
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
};

}  // namespace mail::maps
