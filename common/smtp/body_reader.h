#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mail::smtp {

/// smtpd_forbid_bare_newline, with 3.7.11's meaning.
enum class BareNewline {
  Allow,      ///< lines end in LF or CR...CR LF; any "." line ends DATA
  Normalize,  ///< LF or CRLF; only CRLF.CRLF ends DATA, other "." lines vanish
  Reject,     ///< as Normalize, and bare LFs are reported
};

/// One line of content, or a piece of a long one (a record of type N or L).
struct BodyLine {
  std::string_view text;
  bool continues = false;
};

/// Cuts message content into lines, in one pass (RFC 5321, 4.5.2).
class BodyReader {
 public:
  enum class Framing { Dot, Chunk };
  BodyReader(BareNewline mode, size_t line_limit)
      : mode_(mode), line_limit_(line_limit) {}

  /// Takes what it can from the front of `input`; lines() then has views
  /// into it. end_of_chunk: (Chunk) input ends with the last chunk, so an
  /// unfinished line is a line. Returns bytes taken.
  size_t read(std::string_view input, Framing framing, bool end_of_chunk);
  std::span<const BodyLine> lines() const { return lines_; }
  /// (Dot) the end was seen.
  bool finished() const { return finished_; }
  bool bare_newline() const { return bare_newline_; }

 private:
  size_t take_line(const char* begin, const char* newline, Framing framing);
  size_t take_piece(std::string_view rest);

  BareNewline mode_;
  size_t line_limit_;
  std::vector<BodyLine> lines_;
  bool dots_ = true;        // of the call to read()
  bool line_start_ = true;  // the next byte begins a line
  bool after_crlf_ = true;  // the last line ended in CRLF
  bool finished_ = false;
  bool bare_newline_ = false;
};

}  // namespace mail::smtp
