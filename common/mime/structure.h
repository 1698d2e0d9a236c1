#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mail::mime {

using Parameters = std::vector<std::pair<std::string, std::string>>;

/// The headers of an ENVELOPE as EnvelopeFields has them; the text lives
/// elsewhere.
struct EnvelopeView {
  std::optional<std::string_view> date, subject, in_reply_to, message_id;
  std::optional<std::string_view> from, sender, reply_to, to, cc, bcc;
};

/// The raw values (as they stand, folded) of the headers of an ENVELOPE. Of a
/// header given twice the last counts; addresses of all are joined with ",".
struct EnvelopeFields {
  std::optional<std::string> date, subject, in_reply_to, message_id;
  std::optional<std::string> from, sender, reply_to, to, cc, bcc;
  EnvelopeView view() const {
    return {date,   subject,  in_reply_to, message_id, from,
            sender, reply_to, to,          cc,         bcc};
  }
};

/// One entity of a message (RFC 2045, 2046). Offsets and sizes are bytes of
/// the message as it is stored, with LF or CRLF line ends, from its start.
struct Part {
  enum class Kind : uint8_t { Leaf, Multipart, Message };
  Kind kind = Kind::Leaf;
  uint64_t header_at = 0, header_size = 0;  ///< with the empty line
  uint64_t body_at = 0, body_size = 0;
  /// LFs without a CR before: what CRLF line ends would add.
  uint64_t header_lone = 0, body_lone = 0;
  uint64_t lone_before = 0;  ///< in front of header_at
  uint64_t header_lines = 0, body_lines = 0;

  std::string type = "text", subtype = "plain";  ///< lower case
  Parameters parameters;                         ///< of Content-Type
  std::optional<std::string> id, description, md5, location;
  std::string encoding;  ///< as written; empty: none, or no token
  std::optional<std::string> disposition;
  Parameters disposition_parameters;
  std::vector<std::string> languages;

  /// Of a message: the whole, or what a message/rfc822 part holds.
  std::unique_ptr<EnvelopeFields> envelope;
  /// Multipart: its parts. Message: one, the message inside.
  std::vector<Part> children;

  uint64_t virtual_header_size() const { return header_size + header_lone; }
  uint64_t virtual_body_size() const { return body_size + body_lone; }
  /// Where they are in the message with CRLF line ends.
  uint64_t virtual_header_at() const { return header_at + lone_before; }
  uint64_t virtual_body_at() const {
    return body_at + lone_before + header_lone;
  }
  /// The parameter of Content-Type in any case, or nullptr.
  const std::string* parameter(std::string_view name) const;
  bool encoded_as(std::string_view name) const;
};

/// Finds the structure of a message in one pass over its bytes. Keeps headers
/// of interest (at most 256 KiB each), never the body. Beyond the limits the
/// rest of the message is body of the part that is open.
///   StructureParser parser; parser.feed(bytes); ... Part root=parser.finish();
class StructureParser {
 public:
  struct Limits {
    size_t depth = 100;          ///< nested entities
    size_t parts = 10000;        ///< in all
    size_t header = 256 * 1024;  ///< one header's value
  };
  StructureParser();
  explicit StructureParser(const Limits& limits);
  StructureParser(const StructureParser&) = delete;
  StructureParser& operator=(const StructureParser&) = delete;

  void feed(std::string_view bytes);
  Part finish();

 private:
  struct Open {
    Part* part;
    std::string boundary;          // of an open multipart
    bool typed = false;            // Content-Type has come
    uint64_t lines = 0, lone = 0;  // where its body begins
  };
  struct Counts {
    uint64_t at = 0, lines = 0, lone = 0;
  };

  void begin_part(Part* part);
  void header_line(std::string_view line);
  void commit_header();
  void end_header();
  bool take_boundary(std::string_view line);
  void end_line(std::string_view line, const Counts& content);
  void count_all(std::string_view bytes);
  void close_to(size_t depth, const Counts& end);

  Limits limits_;
  Part root_;
  std::vector<Open> open_;
  size_t parts_ = 1;
  size_t boundaries_ = 0;  // open multiparts whose boundary may still come
  bool in_header_ = true;
  Counts header_start_;
  Counts now_;           // after the last byte seen
  Counts before_break_;  // before the line break in front of this line
  char last_ = 0;
  bool mid_line_ = false;
  std::string line_;   // the start of a line that came in pieces
  std::string name_;   // of the header being collected; empty: none
  std::string value_;  // its value
};

/// The whole in one call.
Part parse_structure(std::string_view message);

/// "1.2" and the like, relative to `root` (RFC 3501, 6.4.5): nullptr if there
/// is no such part. A message/rfc822 part's numbers go on inside it; part 1 of
/// what is no multipart is the part itself (of a multipart's part too, as the
/// original has it); 0 counts as 1.
const Part* find_part(const Part& root, const std::vector<uint32_t>& numbers);

}  // namespace mail::mime
