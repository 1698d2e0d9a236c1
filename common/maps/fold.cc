#include "common/maps/fold.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "common/base/ascii.h"

namespace mail::maps {
namespace {

struct Folding {
  uint32_t code;
  uint8_t size;
  char text[10];
};
constexpr Folding kFoldings[] = {
#include "common/maps/fold_table.inc"  // generate_fold.py
};

struct Decoded {
  uint32_t code = 0;
  size_t size = 1;  // 1 with code 0: not a multibyte sequence
};

Decoded decode(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  size_t size = byte(0) >= 0xf0   ? 4
                : byte(0) >= 0xe0 ? 3
                : byte(0) >= 0xc2 ? 2
                                  : 1;
  if (size == 1 || size > text.size()) return {};
  uint32_t code = byte(0) & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = (code << 6) | (byte(i) & 0x3f);
  }
  return {code, size};
}

void fold_utf8(std::string_view text, std::string& out) {
  while (!text.empty()) {
    if ((text[0] & 0x80) == 0) {
      out += to_lower(text[0]);
      text.remove_prefix(1);
      continue;
    }
    Decoded got = decode(text);
    const Folding* at = std::lower_bound(
        std::begin(kFoldings), std::end(kFoldings), got.code,
        [](const Folding& f, uint32_t code) { return f.code < code; });
    if (at != std::end(kFoldings) && at->code == got.code) {
      out.append(at->text, at->size);
    } else {
      out.append(text.substr(0, got.size));
    }
    text.remove_prefix(got.size);
  }
}

}  // namespace

std::string_view fold_case(std::string_view text, bool utf8,
                           std::string& buffer) {
  unsigned char high = 0;
  bool capital = false;
  for (char c : text) {
    high |= static_cast<unsigned char>(c);
    capital |= is_upper(c);
  }
  bool wide = utf8 && (high & 0x80) != 0;
  if (!capital && !wide) return text;
  buffer.clear();
  if (wide) {
    fold_utf8(text, buffer);
  } else {
    buffer.resize(text.size());
    std::transform(text.begin(), text.end(), buffer.begin(), to_lower);
  }
  return buffer;
}

}  // namespace mail::maps
