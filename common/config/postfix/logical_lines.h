#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mail::config {

/// One logical line: blank lines and comments removed, lines that begin with
/// white space appended to their predecessor as they are, without newlines.
struct LogicalLine {
  std::string text;  ///< not empty; begins with no white space
  int line = 0;      ///< number of its first physical line, from 1
};

/// Cuts a file's text into logical lines; main.cf, master.cf and the sources
/// of tables share this (postconf(5), "logical line"). '#' begins a comment
/// only as a physical line's first character that is no white space; there
/// is no backslash continuation.
///   LogicalLines lines(text, path, warn);
///   while (auto line = lines.next()) ...
/// `text` must outlive it. `warn`, which may be empty, is told of lines that
/// continue nothing; they are skipped.
class LogicalLines {
 public:
  LogicalLines(std::string_view text, std::string_view path,
               std::function<void(std::string_view)> warn);
  std::optional<LogicalLine> next();
  /// The number of the last physical line that next() has consumed.
  int last_line() const { return last_line_; }

 private:
  std::optional<std::string_view> physical_line();

  std::string_view rest_;
  std::string path_;
  std::function<void(std::string_view)> warn_;
  int line_ = 0;       ///< of the physical line read last
  int last_line_ = 0;  ///< the same, of those given out
  bool held_ = false;  ///< held_text_ begins the next logical line
  std::string_view held_text_;
};

}  // namespace mail::config
