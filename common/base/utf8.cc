#include "common/base/utf8.h"

#include <cstdint>
#include <cstring>

#include "common/base/ascii.h"

namespace mail {

namespace {

/// Length of the well-formed sequence at the start of `text`, 0 if none.
size_t sequence_length(std::string_view text) {
  auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = at(0);
  if (first < 0x80) return 1;
  size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  if (first == 0xE0 && at(1) < 0xA0) return 0;
  if (first == 0xED && at(1) > 0x9F) return 0;
  if (first == 0xF0 && at(1) < 0x90) return 0;
  if (first == 0xF4 && at(1) > 0x8F) return 0;
  return length;
}

}  // namespace

bool is_utf8(std::string_view text) {
  if (is_ascii(text)) return true;
  while (!text.empty()) {
    size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_ascii(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  while (text.size() >= sizeof(uint64_t)) {
    uint64_t eight;
    memcpy(&eight, text.data(), sizeof(eight));
    if (eight & kHighBits) return false;
    text.remove_prefix(sizeof(eight));
  }
  for (char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

std::string printable(std::string_view text, bool utf8) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    size_t length = sequence_length(text);
    if (length == 1) {
      out += is_print(text[0]) ? text[0] : '?';
    } else if (length > 1 && utf8) {
      out += text.substr(0, length);
    } else {
      length = 1;
      out += '?';
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace mail
