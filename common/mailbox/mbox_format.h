#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mailbox/flags.h"

namespace mail::mailbox {

/// A header that is longer is no message's.
constexpr size_t kMaxMboxHeader = 16 << 20;

/// "From SENDER DATE" with a date in one of asctime(3)'s variants, maybe with
/// a zone or "remote from HOST" (mbox(5)); its time, in local time if no zone
/// is told. nullopt: not such a line.
std::optional<int64_t> parse_from_line(std::string_view line);
/// "From SENDER  Tue Nov 24 15:41:57 2026\n", local time.
std::string make_from_line(std::string_view sender, int64_t date);

/// X-IMAPbase: of the first message (X-IMAP: of one that is no message).
struct MboxBase {
  uint32_t uidvalidity = 0, last_uid = 0;
  std::vector<std::string> keywords;
};

/// The header of a message in an mbox and what the mailbox keeps in there:
///   X-UID: 12
///   Status: RO           R seen, O old (another session has seen it)
///   X-Status: ADFT       answered, deleted, flagged, draft (T)
///   X-Keywords: work     padded, so that it can be rewritten in its place
///   Content-Length: 12   of the body
struct MboxHeader {
  size_t from_line = 0;  ///< octets of the From_ line
  size_t size = 0;       ///< all, with From_ line and empty line
  int64_t date = 0;      ///< of the From_ line
  std::string visible;   ///< what clients see, with the empty line
  std::optional<uint32_t> uid;
  std::optional<uint64_t> content_length;
  Flags flags = 0;
  bool old = false;
  std::vector<std::string> keywords;
  std::optional<MboxBase> base;
  bool pseudo = false;  ///< X-IMAP: internal data, no message
  /// Where the lines above stand, when they do in one run; else empty.
  size_t block_begin = 0, block_end = 0;
};
/// `text` begins with a From_ line and has all of the header, if the file
/// does. nullopt: no From_ line.
std::optional<MboxHeader> parse_mbox_header(std::string_view text);
/// Whether the header ends within `text`.
bool has_mbox_header_end(std::string_view text);

/// What is to stand in a message's header.
struct MboxFields {
  uint32_t uid = 0;
  Flags flags = 0;
  bool old = true;
  std::vector<std::string> keywords;
  std::optional<MboxBase> base;
  uint64_t content_length = 0;
};
/// The lines of MboxFields; padded to `size` octets if that is not 0 (empty:
/// they do not fit).
std::string make_mbox_block(const MboxFields& fields, size_t size = 0);

/// Looks for the separator of messages in text that comes in pieces.
/// Returns where the next From_ line begins, at or after `from`.
/// read(offset, size): some bytes from there, fewer only at the end.
using MboxRead = std::function<std::string_view(uint64_t offset, size_t size)>;
struct MboxBody {
  uint64_t end = 0;   ///< of the body
  uint64_t next = 0;  ///< of the separator: the next From_ line, or the end
  uint64_t bare_ends = 0;  ///< LF without CR in the body
};
MboxBody find_mbox_end(const MboxRead& read, uint64_t body, uint64_t file_size,
                       std::optional<uint64_t> content_length);

}  // namespace mail::mailbox
