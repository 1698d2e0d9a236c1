#include "common/config/postfix/logical_lines.h"

#include <fmt/core.h>

#include <utility>

#include "common/base/ascii.h"

namespace mail::config {

namespace {
bool is_blank_or_comment(std::string_view line) {
  line = trim_left(line);
  return line.empty() || line.front() == '#';
}
}  // namespace

LogicalLines::LogicalLines(std::string_view text, std::string_view path,
                           std::function<void(std::string_view)> warn)
    : rest_(text), path_(path), warn_(std::move(warn)) {}

/// The next line that is neither blank nor a comment, without its newline.
std::optional<std::string_view> LogicalLines::physical_line() {
  while (!rest_.empty()) {
    size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
    ++line_;
    if (!is_blank_or_comment(line)) return line;
  }
  return std::nullopt;
}

std::optional<LogicalLine> LogicalLines::next() {
  while (!held_) {
    auto line = physical_line();
    if (!line) return std::nullopt;
    if (!is_space(line->front())) {
      held_ = true;
      held_text_ = *line;
    } else if (warn_) {
      warn_(fmt::format(
          "{}: logical line must not start with whitespace: \"{:.30}{}\"",
          path_, *line, line->size() > 30 ? "..." : ""));
    }
  }
  LogicalLine logical{std::string(held_text_), line_};
  last_line_ = line_;
  held_ = false;
  while (auto line = physical_line()) {
    if (!is_space(line->front())) {
      held_ = true;
      held_text_ = *line;
      break;
    }
    logical.text += *line;
    last_line_ = line_;
  }
  return logical;
}

}  // namespace mail::config
