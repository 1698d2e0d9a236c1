#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/smtp/dsn_code.h"

namespace mail::smtp {

/// One reply of a server (RFC 5321, 4.2; RFC 2034).
struct Reply {
  int code = 0;
  std::string status;   ///< "2.1.5", or empty
  std::string text;     ///< lines parted by LF, without code and status
  bool hangup = false;  ///< the connection closes after it

  Reply() = default;
  Reply(int c, std::string_view s, std::string_view t)
      : code(c), status(s), text(t) {}

  bool positive() const { return code >= 200 && code < 400; }
  /// "550 5.1.1 text", lines parted by LF, no end: for logs and transcripts.
  std::string line() const;
  /// The wire's form: CRLF after each line, "-" between; appended. Nothing
  /// for code 0: with hangup, a connection that ends without a word.
  void append_to(std::string& wire) const;
};

/// "550 5.7.1 text" or "550-...LF550 ..." to a Reply. code 0: not a reply.
Reply parse_reply(std::string_view text);
/// The same and hangup set.
Reply hangup(Reply reply);

/// A reply as it came from a server.
struct ReceivedReply : Reply {
  std::string raw;      ///< its lines with codes, parted by LF
  std::string garbage;  ///< lines that were no reply, parted by LF; skipped

  /// The status, or X.0.0 by the code's first digit; 5.5.0 for other codes.
  DsnCode dsn() const;
  /// raw with blanks for LF: "550-5.1.1 one 550 5.1.1 two".
  std::string joined() const;
};

struct ReplyLimits {
  size_t line = 2048;    ///< line_length_limit: longer lines are cut
  size_t total = 65536;  ///< text beyond is dropped
};

/// Puts the lines of replies together, any split.
class ReplyParser {
 public:
  explicit ReplyParser(ReplyLimits limits = {}) : limits_(limits) {}

  /// Takes bytes up to the end of one reply; returns how many.
  size_t feed(std::string_view bytes);
  bool complete() const { return complete_; }
  /// Something of a reply has come.
  bool begun() const { return !line_.empty() || !reply_.raw.empty(); }
  /// The complete reply; the parser is ready for the next.
  ReceivedReply take();

 private:
  void end_line();

  ReplyLimits limits_;
  std::string line_;
  ReceivedReply reply_;
  bool complete_ = false;
};

}  // namespace mail::smtp
