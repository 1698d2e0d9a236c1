#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mail::smtp {

/// Message content to the wire (RFC 5321, 4.5.2): CRLF, dots doubled, lines
/// longer than the limit broken with CRLF and a blank.
class DotWriter {
 public:
  /// line_limit: bytes of a line without CRLF (smtp_line_length_limit, 998);
  /// 0: no limit.
  explicit DotWriter(size_t line_limit = 998) : line_limit_(line_limit) {}

  /// One line or, complete == false, a piece of one; appended to `wire`.
  void line(std::string_view text, bool complete, std::string& wire);
  /// Whole text with LF line ends; an unfinished last line may go on.
  void text(std::string_view text, std::string& wire);
  /// Ends an unfinished line and says ".".
  void finish(std::string& wire);

 private:
  void append(std::string_view text, std::string& wire);

  size_t line_limit_;
  size_t column_ = 0;
  bool line_start_ = true;
};

}  // namespace mail::smtp
