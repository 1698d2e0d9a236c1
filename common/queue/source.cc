#include "common/queue/source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mail::queue {
namespace {
constexpr size_t kBuffer = 64 << 10;
}

Result<std::string_view> FileSource::fetch(uint64_t offset, size_t want) {
  auto held = [&]() -> std::string_view {
    return std::string_view(buffer_).substr(0, size_).substr(offset - offset_);
  };
  bool inside = offset >= offset_ && offset - offset_ <= size_;
  if (inside && size_ != 0 && (at_end_ || held().size() >= want)) {
    return held();
  }
  buffer_.resize(std::max(kBuffer, want));
  offset_ = offset;
  size_ = 0;
  at_end_ = false;
  while (size_ < std::max<size_t>(want, 1) && !at_end_) {
    ssize_t n = pread(fd_, buffer_.data() + size_, buffer_.size() - size_,
                      static_cast<off_t>(offset + size_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read queue file", errno);
    // A regular file gives less than asked only at its end.
    at_end_ = static_cast<size_t>(n) < buffer_.size() - size_;
    size_ += static_cast<size_t>(n);
  }
  return held();
}

}  // namespace mail::queue
