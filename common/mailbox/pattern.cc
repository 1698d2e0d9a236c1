#include "common/mailbox/pattern.h"

#include <vector>

#include "common/base/ascii.h"

namespace mail::mailbox {

namespace {

bool is_wild(char c) { return c == '*' || c == '%'; }

/// Whether the whole of `name` matches; as a set of states, so that the time
/// is at most the product of both lengths.
bool match(std::string_view name, std::string_view pattern, char separator,
           bool ignore_case) {
  std::vector<bool> at(pattern.size() + 1), next(pattern.size() + 1);
  auto close = [&](std::vector<bool>& states) {
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (states[i] && is_wild(pattern[i])) states[i + 1] = true;
    }
  };
  at[0] = true;
  close(at);
  for (size_t n = 0; n < name.size(); ++n) {
    char c = name[n];
    next.assign(pattern.size() + 1, false);
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (!at[i]) continue;
      char p = pattern[i];
      if (p == '*' || (p == '%' && c != separator)) {
        next[i] = true;
      } else if (p == c ||
                 (ignore_case && n < 5 && to_lower(p) == to_lower(c))) {
        next[i + 1] = true;
      }
    }
    close(next);
    at.swap(next);
  }
  return at[pattern.size()];
}

}  // namespace

bool matches_pattern(std::string_view name, std::string_view pattern,
                     char separator) {
  bool inbox =
      istarts_with(name, "INBOX") && (name.size() == 5 || name[5] == separator);
  return match(name, pattern, separator, inbox);
}

}  // namespace mail::mailbox
