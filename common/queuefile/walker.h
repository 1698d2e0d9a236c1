#pragma once

#include "common/queuefile/record.h"

namespace mail::queuefile {

/// A queue file's bytes by position. queue::FileSource reads a descriptor.
class Source {
 public:
  virtual ~Source() = default;
  /// The bytes from `offset` on: at least `want` unless the file ends before,
  /// more if they are at hand. Valid until the next call.
  virtual Result<std::string_view> fetch(uint64_t offset, size_t want) = 0;
};

/// Bytes in memory, which outlive it.
class MemorySource : public Source {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  Result<std::string_view> fetch(uint64_t offset, size_t) override {
    if (offset >= bytes_.size()) return std::string_view{};
    return bytes_.substr(offset);
  }

 private:
  std::string_view bytes_;
};

/// A record and where it stands. `end`: where the next one starts.
struct PlacedRecord {
  Type type{};
  std::string_view data;
  uint64_t offset = 0, end = 0;
};

enum class Pointers { Follow, Show };

/// Walks the records of a queue file. Pointers::Follow: goes where pointer
/// records say and does not return them. Pointers that run in a circle are
/// found: no walk is longer than the file. While a Walker is in use nobody
/// else may fetch from its source.
class Walker {
 public:
  Walker(Source& source, uint64_t offset, Pointers pointers = Pointers::Follow)
      : source_(&source), offset_(offset), pointers_(pointers) {}

  /// The next record, nullopt where the file ends. The data is valid until
  /// the next call. Errors: Protocol with the offset; those of the source.
  Result<std::optional<PlacedRecord>> next();
  /// Where the next record is looked for.
  uint64_t offset() const { return offset_; }
  void seek(uint64_t offset) { offset_ = offset; }
  /// Lends the source; the walker fetches again afterwards.
  Source& source() {
    window_ = {};
    return *source_;
  }

 private:
  Result<std::optional<PlacedRecord>> one();
  Result<> load(size_t want);

  Source* source_;
  uint64_t offset_;
  Pointers pointers_;
  std::string_view window_;     // of the source's buffer
  uint64_t window_offset_ = 0;  // where it starts
  uint64_t walked_ = 0, highest_ = 0;
};

/// The offset in a pointer record. Errors: Protocol.
Result<uint64_t> parse_pointer(const PlacedRecord& record);

/// A Protocol error about the record at `offset`.
Failure corrupt(std::string_view what, uint64_t offset);

}  // namespace mail::queuefile
