#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail::config::dovecot {

/// One logical line of a dovecot.conf.
struct Statement {
  enum class Kind { Setting, Begin, End, Include, IncludeTry, Bad };
  /// How a setting's value is meant.
  enum class ValueKind {
    Plain,
    File,      ///< <PATH: the contents of the file
    Variable,  ///< holds a '$': words that begin with one are replaced
  };
  Kind kind = Kind::Bad;
  std::string key;    ///< Setting: its name; Begin: the section's type
  std::string name;   ///< Begin: the section's name, without quotes
  std::string value;  ///< Setting: as meant (quotes off); Include: the pattern
  ValueKind value_kind = ValueKind::Plain;
  std::string error;            ///< Bad: the original's words
  bool ambiguous_hash = false;  ///< "a#b": a '#' that begins a comment
};

/// Takes physical lines, gives logical ones: comments off, lines that end in a
/// backslash joined.
class StatementReader {
 public:
  explicit StatementReader(std::string_view text) : rest_(text) {}
  /// The next statement; nullopt: the end of the text.
  std::optional<Statement> next();
  /// Of the last physical line read.
  int line() const { return line_; }

 private:
  std::string_view rest_;
  int line_ = 0;
};

}  // namespace mail::config::dovecot
