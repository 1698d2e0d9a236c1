#include "common/mime/phrase.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/utf8.h"
#include "common/mime/address_list.h"

namespace mail::mime {
namespace {

/// Atoms and quoted strings only: may stand before <addr> as it is.
bool is_phrase(std::string_view name) {
  for (const Token& token : tokenize(name)) {
    if (token.kind != Token::Kind::Atom && token.kind != Token::Kind::Quoted) {
      return false;
    }
    if (token.kind == Token::Kind::Atom &&
        token.text.find_first_of("\\)]") != std::string::npos) {
      return false;
    }
  }
  return name.find_first_of("\r\n") == std::string_view::npos &&
         std::string_view(name).find('"') == std::string_view::npos;
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\r' || c == '\n' ? ' ' : c;
  }
  return out + '"';
}

/// A comment's text: parentheses and backslashes are escaped.
std::string comment(std::string_view name) {
  std::string out = "(";
  for (char c : name) {
    if (c == '(' || c == ')' || c == '\\') out += '\\';
    out += c == '\r' || c == '\n' ? ' ' : c;
  }
  return out + ')';
}

}  // namespace

std::string format_from(std::string_view full_name, std::string_view address,
                        FromFormat format) {
  std::string_view name = trim(full_name);
  if (name.empty()) return std::string(address);
  if (format == FromFormat::Obsolete) {
    return fmt::format("{} {}", address, comment(name));
  }
  if (is_phrase(name)) return fmt::format("{} <{}>", name, address);
  return fmt::format("{} <{}>", quoted(name), address);
}

std::string encode_words(std::string_view utf8) {
  if (is_ascii(utf8)) return std::string(utf8);
  // 75 bytes with "=?utf-8?B?" and "?=": 63 of base64, 45 of text.
  constexpr size_t kBytes = 45;
  std::string out;
  while (!utf8.empty()) {
    size_t size = std::min(kBytes, utf8.size());
    // Characters are not parted.
    auto continues = [&](size_t i) {
      return (static_cast<unsigned char>(utf8[i]) & 0xC0) == 0x80;
    };
    if (size < utf8.size()) {
      size_t cut = size;
      while (cut > 1 && cut > size - 4 && continues(cut)) --cut;
      if (!continues(cut)) size = cut;
    }
    if (!out.empty()) out += ' ';
    out += fmt::format("=?utf-8?B?{}?=", base64_encode(utf8.substr(0, size)));
    utf8.remove_prefix(size);
  }
  return out;
}

}  // namespace mail::mime
