#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mail::mime {

/// Headers that some program treats specially.
enum class HeaderId : uint8_t {
  Other,
  ApparentlyTo,
  Bcc,
  Cc,
  ContentDescription,
  ContentDisposition,
  ContentId,
  ContentLength,
  ContentTransferEncoding,
  ContentType,
  Date,
  DeliveredTo,
  DispositionNotificationTo,
  ErrorsTo,
  From,
  MailFollowupTo,
  MessageId,
  MimeVersion,
  Precedence,
  Received,
  ReplyTo,
  ResentBcc,
  ResentCc,
  ResentDate,
  ResentFrom,
  ResentMessageId,
  ResentReplyTo,
  ResentSender,
  ResentTo,
  ReturnPath,
  ReturnReceiptTo,
  Sender,
  Status,
  Subject,
  To,
};

/// What is done with a header (postconf(5): header address rewriting).
enum HeaderTraits : uint8_t {
  kSenderHeader = 1,     ///< addresses are senders, rewritten as such
  kRecipientHeader = 2,  ///< addresses are recipients, rewritten as such
  kExtractHeader = 4,    ///< sendmail -t takes recipients from it
  kResentHeader = 8,     ///< Resent-...
  kMimeHeader = 16,      ///< Content-..., MIME-Version
};

struct HeaderInfo {
  std::string_view name;  ///< as it is usually written
  HeaderId id = HeaderId::Other;
  uint8_t traits = 0;
};

/// The table entry, any case; nullptr if it is an ordinary header. A name
/// that begins with "Content-" is a MIME header all the same: is_mime_header.
const HeaderInfo* find_header(std::string_view name);
/// "Content-...", or MIME-Version.
bool is_mime_header(std::string_view name);

/// Length of the name if the line begins a header: printable ASCII without
/// blanks and ":", then perhaps blanks, then ":"; else 0.
size_t header_name_length(std::string_view line);
/// The name and what follows the colon and blanks; name empty: no header.
struct HeaderField {
  std::string_view name, value;
};
HeaderField split_header(std::string_view header);

/// Puts header lines together. Lines come as in a queue file: without line
/// end; a long one in pieces.
///   push(): false: the block ended, the line is the first that is not
///   header (an empty line, or body that came without one).
///   When ready() holds after push() or finish(), take the header before the
///   next push().
class HeaderSplitter {
 public:
  explicit HeaderSplitter(size_t size_limit = 102400)
      : size_limit_(size_limit) {}

  enum class Piece { Complete, Continues };
  bool push(std::string_view line, Piece piece = Piece::Complete);
  /// The end of input.
  void finish();

  bool ready() const { return ready_; }
  /// One logical header, folded lines parted by LF, no LF at its end, cut at
  /// size_limit. Valid until the next call.
  const std::string& header() const { return done_; }
  /// The header above was cut.
  bool truncated() const { return done_truncated_; }

 private:
  void append(std::string_view text);

  size_t size_limit_;
  std::string current_, done_;
  bool has_current_ = false, mid_line_ = false, ready_ = false;
  bool truncated_ = false, done_truncated_ = false;
};

}  // namespace mail::mime
