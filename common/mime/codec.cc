#include "common/mime/codec.h"

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/base64.h"

namespace mail::mime {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";
constexpr size_t kLine = 76;

void append_escape(std::string& out, char mark, char c) {
  auto byte = static_cast<unsigned char>(c);
  out += mark;
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

/// The byte of two hex digits at `at`; -1: they are none.
int hex_pair(std::string_view text, size_t at) {
  if (at + 1 >= text.size()) return -1;
  int high = hex_value(text[at]), low = hex_value(text[at + 1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void encode_line(std::string_view line, std::string& out) {
  size_t column = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    bool last = i + 1 == line.size();
    bool plain = (is_print(c) && c != '=' && (c != ' ' || !last)) ||
                 (c == '\t' && !last);
    size_t width = plain ? 1 : 3;
    if (column + width > kLine - (last ? 0 : 1)) {
      out += "=\n";
      column = 0;
    }
    if (plain) {
      out += c;
    } else {
      append_escape(out, '=', c);
    }
    column += width;
  }
}

}  // namespace

std::string encode_xtext(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    if (c > 32 && c < 127 && c != '+' && c != '=') {
      out += c;
    } else {
      append_escape(out, '+', c);
    }
  }
  return out;
}

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+') {
      int byte = hex_pair(text, i + 1);
      if (byte < 0) return std::nullopt;
      out += static_cast<char>(byte);
      i += 2;
    } else if (c == '=' || (c >= 0 && c <= 32) || c == 127) {
      return std::nullopt;
    } else {
      out += c;
    }
  }
  return out;
}

std::string encode_quoted_printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t end = text.find('\n');
    encode_line(text.substr(0, end), out);
    if (end == std::string_view::npos) break;
    out += '\n';
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string decode_quoted_printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    bool crlf = !line.empty() && line.back() == '\r';
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    bool soft = !line.empty() && line.back() == '=';
    if (soft) line.remove_suffix(1);
    for (size_t i = 0; i < line.size(); ++i) {
      int byte = line[i] == '=' ? hex_pair(line, i + 1) : -1;
      out += byte < 0 ? line[i] : static_cast<char>(byte);
      if (byte >= 0) i += 2;
    }
    if (end == std::string_view::npos) break;
    if (!soft) out += crlf ? "\r\n" : "\n";
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string encode_base64_lines(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    size_t size = std::min(kLine / 4 * 3, bytes.size());
    out += base64_encode(bytes.substr(0, size));
    out += '\n';
    bytes.remove_prefix(size);
  }
  return out;
}

std::string decode_base64_loose(std::string_view text) {
  std::string clean;
  for (char c : text) {
    if (c == '=') break;
    if (is_alnum(c) || c == '+' || c == '/') clean += c;
  }
  if (clean.size() % 4 == 1) clean.pop_back();
  clean.append((4 - clean.size() % 4) % 4, '=');
  return base64_decode(clean).value_or("");
}

}  // namespace mail::mime
