#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail::smtpd {

/// Bytes that wait: in memory while they are few, then in a file that has no
/// name and is gone with this object.
class Overflow {
 public:
  static constexpr size_t kInMemory = 256 * 1024;

  /// directory: on the disk where the file shall be.
  explicit Overflow(std::string directory = "incoming")
      : directory_(std::move(directory)) {}

  /// Errors: Temporary, of the file.
  Result<> append(std::string_view bytes);
  /// Up to `most` bytes from `offset`; empty at the end. Errors: as above.
  Result<std::string> read(size_t offset, size_t most) const;
  size_t size() const { return in_file_ + memory_.size(); }

 private:
  Result<> spill();

  std::string directory_, memory_;
  UniqueFd file_;
  size_t in_file_ = 0;
};

}  // namespace mail::smtpd
