#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace mail::queuefile {

/// Queue file records (Postfix 3.7): one type byte, the length as
/// little-endian base 128 (7 bits a byte, high bit: more; at most 5 bytes),
/// the data, nothing after it. The same stream goes through the sockets of
/// cleanup and postdrop.
enum class Type : char {
  Size = 'C',              ///< Sizes; first record of a finished file
  Time = 'T',              ///< "SEC USEC", arrival
  CreateTime = 'c',        ///< usually the attribute create_time
  FullName = 'F',          ///< sender's full name
  Inspector = 'I',         ///< unused
  Filter = 'L',            ///< envelope: transport:nexthop. Content: see Cont
  Cont = 'L',              ///< content: a piece of a line, no newline after it
  Sender = 'S',            ///< empty for <>
  DoneRecipient = 'D',     ///< a Recipient that has been delivered
  Recipient = 'R',         ///<
  OrigRecipient = 'O',     ///< stands before its Recipient
  CanceledRcpt = '/',      ///< deleted by a milter
  WarnTime = 'W',          ///< "%15ld": when to send a delay warning, -1: sent
  Attribute = 'A',         ///< name=value
  Killed = 'K',            ///< was something else, now void
  Redirect = '>',          ///< deliver to this address instead
  Flags = 'f',             ///< cleanup's: 4 hold, 8 discard
  Delay = 'd',             ///<
  Message = 'M',           ///< empty; the content follows
  Text = 'N',              ///< content: one line, or the last piece of one
  Padding = 'w',           ///< void
  Extracted = 'X',         ///< empty; what the content gave follows
  ReturnReceipt = 'r',     ///< obsolete
  ErrorsTo = 'e',          ///< obsolete
  Priority = 'P',          ///< obsolete
  Pointer = 'p',           ///< "%15ld": go on at this offset; 0: go on here
  Verp = 'V',              ///< two characters
  DsnRet = '<',            ///< usually the attribute ret_flags
  DsnEnvelopeId = 'i',     ///< usually the attribute envelope_id
  DsnOrigRecipient = 'o',  ///< usually the attribute dsn_orig_rcpt
  DsnNotify = 'n',         ///< usually the attribute notify_flags
  Milters = 'm',           ///< from smtpd to cleanup only
  End = 'E',               ///< empty; last record
};

/// Longest record we read; the originals write none near it.
inline constexpr size_t kMaxRecord = 1 << 20;
/// line_length_limit's default.
inline constexpr size_t kLineLength = 2048;

/// `data` is a view into whatever the record was read from.
struct Record {
  Type type{};
  std::string_view data;
};

/// What postcat(1) calls a record, e.g. "named_attribute"; empty: unknown.
/// 'L' is "content_filter"; in content it is "unterminated_text".
std::string_view record_name(Type type);

/// Appends one record.
void append_record(std::string& out, Type type, std::string_view data);
/// Appends the attribute name=value.
void append_attribute(std::string& out, std::string_view name,
                      std::string_view value);
/// Appends one line of content, without its newline: Cont records of `limit`
/// bytes while it is longer, then a Text record.
void append_line(std::string& out, std::string_view line,
                 size_t limit = kLineLength);
/// "%15ld", as pointers and warning times are stored.
std::string fixed_number(long value);

/// A record's head: where its data starts and how long it is.
struct Frame {
  Type type{};
  size_t head = 0;  ///< bytes of type and length
  size_t size = 0;  ///< bytes of data
};
/// The frame that `bytes` start with; nullopt: needs more bytes.
/// Errors: Protocol, a length of more than 5 bytes or over `limit`.
Result<std::optional<Frame>> parse_frame(std::string_view bytes,
                                         size_t limit = kMaxRecord);

/// Cuts a stream of records, in whatever pieces it comes. Holds at most one
/// record and one piece.
class RecordReader {
 public:
  explicit RecordReader(size_t limit = kMaxRecord) : limit_(limit) {}
  /// Copies `bytes`.
  void receive(std::string_view bytes);
  /// The next record, nullopt: needs bytes. The view is valid until the next
  /// call. Errors: as parse_frame, with the offset; the stream is lost then.
  Result<std::optional<Record>> next();
  /// Where in the stream the record last returned ended.
  uint64_t offset() const { return offset_; }
  /// Bytes received and not yet returned (of what follows the records).
  std::string_view rest() const;

 private:
  size_t limit_;
  std::string buffer_;
  size_t taken_ = 0;
  uint64_t offset_ = 0;
};

}  // namespace mail::queuefile
