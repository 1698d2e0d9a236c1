#pragma once

#include <string>
#include <string_view>

#include "common/queue/spool.h"
#include "common/queuefile/record.h"

namespace mail::cleanup {

/// The queue file being written. Records gather in memory and go to disk in
/// large pieces, a small message in one write. The first error stays.
class OutFile {
 public:
  OutFile() = default;
  explicit OutFile(queue::NewFile file) : file_(std::move(file)) {}

  const queue::NewFile& file() const { return file_; }
  const std::string& id() const { return file_.id.text(); }

  /// Appends; returns the record's offset.
  long record(queuefile::Type type, std::string_view data);
  long attribute(std::string_view name, std::string_view value);
  /// One line of content; a piece of one if it goes on.
  void text(std::string_view line, bool ends, size_t limit);
  /// A pointer record that leads nowhere yet; its offset.
  long pointer();

  /// Where the next record begins.
  long position() const { return static_cast<long>(written_ + buffer_.size()); }
  /// Overwrites bytes at `offset`, which were appended before.
  void overwrite(long offset, std::string_view bytes);
  /// Lets the pointer at `offset` lead to `target`.
  void set_pointer(long offset, long target);

  /// Writes what is buffered.
  void flush();
  /// Writes when much is buffered.
  void flush_if_large() {
    if (buffer_.size() >= kLarge) flush();
  }
  bool failed() const { return failed_; }
  const Error& error() const { return error_; }
  void fail(Error error);

 private:
  static constexpr size_t kLarge = 262144;
  queue::NewFile file_;
  std::string buffer_;
  size_t written_ = 0;
  bool failed_ = false;
  Error error_;
};

}  // namespace mail::cleanup
