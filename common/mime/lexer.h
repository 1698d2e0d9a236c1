#pragma once

#include <string>
#include <string_view>

namespace mail::mime {

/// Reads a structured header's value from left to right (RFC 5322, 3.2).
/// Folding is white space. Nothing here fails: what is unterminated ends with
/// the text.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip() { ++at_; }
  /// True, and past it, if the next byte is `c`.
  bool take(char c);
  /// Past blanks and comments; the text of the last comment, if any, into
  /// `comment` (without parentheses and backslashes, inner ones kept).
  void skip_blanks(std::string* comment = nullptr);
  /// Atom characters (RFC 5322 atext, bytes above 127; with `dots` "." too).
  std::string_view atom(bool dots);
  /// MIME token characters (RFC 2045).
  std::string_view token();
  /// After the opening quote: to the closing one; without backslashes and
  /// line breaks.
  std::string quoted();
  size_t position() const { return at_; }
  void rewind(size_t position) { at_ = position; }
  std::string_view rest() const { return text_.substr(at_); }

 private:
  void skip_comment(std::string* comment);

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace mail::mime
