#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/header.h"

namespace mail::mime {

/// Where a header stands.
enum class HeaderClass {
  Primary,  ///< of the message itself, not MIME
  Mime,     ///< Content-... and MIME-Version of the message; part headers
  Nested,   ///< of a message/rfc822 part, not MIME
};

enum class MimeError : unsigned char {
  None = 0,
  Nesting,    ///< MIME nesting exceeds safety limit
  Truncated,  ///< message header length exceeds safety limit
  EightBitHeader,
  EightBitBody,  ///< 8-bit data without 8bit declaration
  EncodingDomain,
};
/// "MIME nesting exceeds safety limit" and so on; status is always 5.6.0.
std::string_view mime_error_text(MimeError error);

/// Receives what MimeState finds, in order.
class MimeSink {
 public:
  virtual ~MimeSink() = default;
  /// One whole header, lines parted by LF. info: its table entry or nullptr.
  virtual void on_header(HeaderClass kind, const HeaderInfo* info,
                         std::string_view text) = 0;
  /// The primary header block is over; once.
  virtual void on_primary_end() = 0;
  /// A body line (also boundaries, and the empty line after headers).
  /// complete == false: more of this line follows.
  virtual void on_body(std::string_view line, bool complete) = 0;
};

struct MimeOptions {
  bool parse_mime = true;  ///< false: disable_mime_input_processing
  bool downgrade = false;  ///< 8-bit parts to quoted-printable
  /// The mistakes that are looked for.
  bool report_nesting = true;
  bool report_truncated = false;
  bool report_8bit_header = false;
  bool report_8bit_body = false;
  bool report_encoding_domain = false;
  size_t nesting_limit = 100;           ///< mime_nesting_limit
  size_t boundary_length_limit = 2048;  ///< mime_boundary_length_limit
  size_t header_size_limit = 102400;    ///< header_size_limit
};

/// The structure of one message, line by line (RFC 5322, 2045, 2046).
///   Headers --empty line--> Body --boundary--> Headers (of the part) --> ...
/// Lines come as in a queue file: without line end, long ones in pieces.
/// With downgrade, bodies of 8bit and binary leaf parts come out as
/// quoted-printable, their Content-Transfer-Encoding changed to match.
/// Holds one header, one boundary a level, never the body.
class MimeState {
 public:
  MimeState(const MimeOptions& options, MimeSink& sink);

  void line(std::string_view text, bool complete = true);
  /// The end of the message; a header that is still held comes out.
  void finish();

  /// The first mistake found so far, and the header or line with it (100
  /// bytes at most).
  MimeError error() const { return error_; }
  const std::string& error_line() const { return error_line_; }

 private:
  enum class Domain : unsigned char { SevenBit, EightBit, Binary };
  enum class Type : unsigned char { Leaf, Message, Multipart };
  enum class State : unsigned char { PrimaryHead, PartHead, NestedHead, Body };
  /// What the headers of one entity say of its body.
  struct Entity {
    Type type = Type::Leaf;
    bool composite = false;  // multipart/* or message/*, parsed or not
    bool digest = false;     // parts default to message/rfc822
    bool encoded = false;    // quoted-printable, base64, or unknown
    Domain domain = Domain::SevenBit;
    std::string boundary;
  };
  /// An open multipart.
  struct Level {
    std::string boundary;
    bool digest = false;
    size_t depth = 0;
  };

  void header_line(std::string_view text, bool complete);
  void body_line(std::string_view text, bool complete);
  void emit_header();
  void end_head();
  void enter_entity();
  bool take_boundary(std::string_view text);
  void read_content_type(std::string_view value);
  void read_encoding(std::string_view value);
  void enter_depth();
  void encode(std::string_view text, bool complete);
  void end_encoding();
  void report(MimeError error, std::string_view line);

  MimeOptions options_;
  MimeSink& sink_;
  HeaderSplitter splitter_;
  State state_ = State::PrimaryHead;
  bool line_started_ = false;  // the next piece goes on with a line
  Entity entity_;
  bool quoting_ = false;  // the body is being downgraded
  std::string output_;    // the quoted-printable line so far
  std::vector<Level> levels_;
  size_t depth_ = 0;  // open multiparts and nested messages
  MimeError error_ = MimeError::None;
  std::string error_line_;
};

}  // namespace mail::mime
