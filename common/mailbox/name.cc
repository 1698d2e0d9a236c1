#include "common/mailbox/name.h"

#include <cstdint>
#include <vector>

#include "common/base/utf8.h"

namespace mail::mailbox {

namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

bool is_direct(unsigned char c) { return c >= 0x20 && c <= 0x7e; }

/// The code point at `at`, which moves behind it; the text is well formed.
uint32_t next_code_point(std::string_view text, size_t& at) {
  auto c = static_cast<unsigned char>(text[at++]);
  if (c < 0x80) return c;
  int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
  uint32_t out = c & (0x3f >> more);
  while (more-- > 0 && at < text.size()) {
    out = out << 6 | (static_cast<unsigned char>(text[at++]) & 0x3f);
  }
  return out;
}

void append_utf8(uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

void encode_units(const std::vector<uint16_t>& units, std::string& out) {
  out += '&';
  uint32_t bits = 0;
  int count = 0;
  for (uint16_t unit : units) {
    bits = bits << 16 | unit;
    count += 16;
    while (count >= 6) {
      count -= 6;
      out += kDigits[bits >> count & 63];
    }
  }
  if (count > 0) out += kDigits[bits << (6 - count) & 63];
  out += '-';
}

/// Decodes what stands between & and -; false: not as it must be.
bool decode_units(std::string_view digits, std::string& out) {
  uint32_t bits = 0, high = 0;
  int count = 0;
  for (char digit : digits) {
    size_t value = kDigits.find(digit);
    if (value == kDigits.npos) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 16) continue;
    count -= 16;
    uint32_t unit = bits >> count & 0xffff;
    if (high) {
      if (unit < 0xdc00 || unit > 0xdfff) return false;
      append_utf8(0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00), out);
      high = 0;
    } else if (unit >= 0xd800 && unit <= 0xdbff) {
      high = unit;
    } else if ((unit >= 0xdc00 && unit <= 0xdfff) ||
               (unit < 0x80 && is_direct(static_cast<unsigned char>(unit)))) {
      return false;  // a lone surrogate, or what needs no encoding
    } else {
      append_utf8(unit, out);
    }
  }
  return high == 0 && count < 6 && (bits & ((1U << count) - 1)) == 0;
}

}  // namespace

std::string to_mutf7(std::string_view utf8) {
  std::string out;
  std::vector<uint16_t> units;
  for (size_t at = 0; at < utf8.size();) {
    uint32_t c = next_code_point(utf8, at);
    bool direct = c < 0x80 && is_direct(static_cast<unsigned char>(c));
    if (direct) {
      if (!units.empty()) encode_units(units, out);
      units.clear();
      out += static_cast<char>(c);
      if (c == '&') out += '-';
    } else if (c >= 0x10000) {
      units.push_back(static_cast<uint16_t>(0xd800 + ((c - 0x10000) >> 10)));
      units.push_back(static_cast<uint16_t>(0xdc00 + ((c - 0x10000) & 0x3ff)));
    } else {
      units.push_back(static_cast<uint16_t>(c));
    }
  }
  if (!units.empty()) encode_units(units, out);
  return out;
}

std::optional<std::string> from_mutf7(std::string_view name) {
  std::string out;
  bool after_encoded = false;
  for (size_t at = 0; at < name.size();) {
    auto c = static_cast<unsigned char>(name[at]);
    if (!is_direct(c)) return std::nullopt;
    if (c != '&') {
      out += name[at++];
      after_encoded = false;
      continue;
    }
    size_t end = name.find('-', at);
    if (end == name.npos) return std::nullopt;
    std::string_view digits = name.substr(at + 1, end - at - 1);
    at = end + 1;
    if (digits.empty()) {
      out += '&';
      after_encoded = false;
      continue;
    }
    // Two in a row would have been one.
    if (after_encoded || !decode_units(digits, out)) return std::nullopt;
    after_encoded = true;
  }
  return out;
}

}  // namespace mail::mailbox
