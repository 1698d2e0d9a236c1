#pragma once

#include "common/queuefile/walker.h"

namespace mail::queuefile {

/// A line of content or a piece of one; a view into the source's buffer.
struct Piece {
  std::string_view text;
  bool ends_line = true;  ///< false: the line goes on in the next piece
};

/// Streams a message's content in order, without copying it. The source is
/// its own while it is in use.
class ContentReader {
 public:
  /// offset: just after the M record (Sizes::content_offset).
  ContentReader(Source& source, uint64_t offset) : walker_(source, offset) {}

  /// The next piece, valid until the next call; nullopt: the content ends.
  /// Errors: Protocol (a record that is no content, a cut file), the source's.
  Result<std::optional<Piece>> next();
  /// Where the next record is looked for; once ended, just after X.
  uint64_t offset() const { return walker_.offset(); }

 private:
  Walker walker_;
  bool ended_ = false;
};

/// Appends up to about `size` bytes of content to `out`, `newline` after each
/// line. false: the content has ended.
Result<bool> append_content(ContentReader& reader, size_t size,
                            std::string_view newline, std::string& out);

}  // namespace mail::queuefile
