#include "common/config/postfix/escapes.h"

namespace mail::config {

std::string undo_escapes(std::string_view text) {
  constexpr std::string_view kLetters = "abfnrtv", kBytes = "\a\b\f\n\r\t\v";
  std::string out;
  while (!text.empty()) {
    char c = text[0];
    text.remove_prefix(1);
    if (c != '\\' || text.empty()) {
      out += c;
      continue;
    }
    size_t digits = 0;
    int value = 0;
    while (digits < 3 && digits < text.size() && text[digits] >= '0' &&
           text[digits] <= '7') {
      value = value * 8 + (text[digits++] - '0');
    }
    if (digits > 0) {
      out += static_cast<char>(value);
      text.remove_prefix(digits);
      continue;
    }
    size_t at = kLetters.find(text[0]);
    out += at == kLetters.npos ? text[0] : kBytes[at];
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace mail::config
