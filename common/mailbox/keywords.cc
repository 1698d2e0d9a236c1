#include "common/mailbox/keywords.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::mailbox {

namespace {}

std::vector<std::string> parse_keywords(std::string_view text) {
  std::vector<std::string> out;
  for (std::string_view line : split(text, "\n")) {
    size_t blank = line.find(' ');
    if (blank == line.npos || blank + 1 == line.size()) continue;
    auto index = parse_number<unsigned>(line.substr(0, blank));
    if (!index || *index >= kKeywordLetters) continue;
    if (out.size() <= *index) out.resize(*index + 1);
    out[*index] = line.substr(blank + 1);
  }
  return out;
}

std::string format_keywords(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < kKeywordLetters; ++i) {
    if (!names[i].empty()) out += fmt::format("{} {}\n", i, names[i]);
  }
  return out;
}

bool is_keyword(std::string_view name, unsigned max_length) {
  if (name.empty() || name.size() > max_length) return false;
  for (char c : name) {
    if (!is_print(c) || c == ' ') return false;
    if (std::string_view("(){%*\"\\]").find(c) != std::string_view::npos) {
      return false;
    }
  }
  return true;
}

}  // namespace mail::mailbox
