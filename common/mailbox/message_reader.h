#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail::mailbox {

/// The bytes of one message as it is stored (lines end as they do on disk,
/// mostly LF), without a From_ line and without headers that belong to the
/// mailbox format. Stays readable when the message is expunged meanwhile.
class MessageReader {
 public:
  /// `head` stands in front of `size` bytes of the file from `offset`.
  MessageReader(UniqueFd fd, std::string head, uint64_t offset, uint64_t size);

  uint64_t size() const { return head_.size() + body_size_; }
  /// At most `size` bytes from `offset`, appended to `out`; none: the end.
  /// Reads ahead 64 KiB. Errors: of pread(2).
  Result<size_t> read(uint64_t offset, size_t size, std::string& out);
  /// Some bytes from `offset` on without a copy, none at the end; valid until
  /// the next call. Little: the header is wanted, perhaps no more.
  enum class Ahead { Much, Little };
  Result<std::string_view> peek(uint64_t offset, Ahead ahead = Ahead::Much);
  /// All of it. Errors: Protocol when larger than `limit`.
  Result<std::string> read_all(size_t limit = 256 << 20);
  /// Up to and with the empty line behind the header, at most `limit`.
  Result<std::string> read_header(size_t limit = 16 << 20);

  /// The same message with CRLF at each line's end: how large it is, and
  /// bytes from any place (RFC 3501's octets). A walk forward is one pass;
  /// going back starts again from a mark kept every 256 KiB.
  Result<uint64_t> virtual_size();
  Result<size_t> read_crlf(uint64_t virtual_offset, size_t size,
                           std::string& out);

 private:
  struct Mark {
    uint64_t physical = 0, virtual_offset = 0;
    bool after_cr = false;
  };
  Mark copy_crlf(std::string_view some, Mark at, std::string& out);
  Mark mark_before(uint64_t virtual_offset) const;
  void keep_mark(const Mark& mark);

  UniqueFd fd_;
  std::string head_;
  uint64_t body_offset_ = 0, body_size_ = 0;
  std::string buffer_;  // what was read last
  uint64_t buffer_at_ = 0;
  std::vector<Mark> marks_;
  Mark last_;
};

}  // namespace mail::mailbox
