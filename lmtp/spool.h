#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail::lmtp {

/// A message on its way: in memory while it is small, else in a file without
/// a name in mail_temp_dir.
class Spool {
 public:
  /// most: bytes kept in memory.
  Spool(std::string directory, size_t most)
      : directory_(std::move(directory)), most_(most) {}

  /// Errors: of the file (once; later bytes are dropped).
  Result<> append(std::string_view bytes);
  /// All bytes are where memory() or file() say. Errors: as append().
  Result<> finish();

  uint64_t size() const { return size_; }
  bool in_memory() const { return !file_; }
  const std::string& memory() const { return memory_; }
  int file() const { return file_.get(); }
  /// The first bytes, for the log; they stay in memory.
  std::string_view beginning() const {
    return file_ ? std::string_view(beginning_) : std::string_view(memory_);
  }
  std::string take_memory() { return std::move(memory_); }

 private:
  Result<> write_out();

  std::string directory_;
  size_t most_;
  std::string memory_, beginning_;
  UniqueFd file_;
  uint64_t size_ = 0;
  bool failed_ = false;
};

}  // namespace mail::lmtp
