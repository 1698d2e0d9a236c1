#pragma once

#include "common/queuefile/walker.h"

namespace mail::queue {

/// A queue file's descriptor (a loan) as a source: reads 64 KiB at a time, so
/// that a small message comes with one pread(2), envelope and content both.
/// Neither moves nor needs the descriptor's position.
class FileSource : public queuefile::Source {
 public:
  explicit FileSource(int fd) : fd_(fd) {}
  Result<std::string_view> fetch(uint64_t offset, size_t want) override;
  /// Forgets what was read: somebody has written to the file.
  void forget() { size_ = 0, at_end_ = false; }

 private:
  int fd_;
  std::string buffer_;
  uint64_t offset_ = 0;  // of the buffer
  size_t size_ = 0;      // bytes of the buffer that are the file's
  bool at_end_ = false;  // the buffer reaches the end of the file
};

}  // namespace mail::queue
