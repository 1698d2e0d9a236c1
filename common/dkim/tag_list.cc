#include "common/dkim/tag_list.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/mime/codec.h"

namespace mail::dkim {

namespace {

Failure bad_character(std::string_view problem, std::string_view text,
                      size_t at, std::string_view where) {
  return fail(Fault::Protocol,
              fmt::format("{} (ASCII 0x{:02x} at offset {}){}", problem,
                          static_cast<unsigned char>(text[at]), at, where));
}

bool is_name_character(char c) { return is_alnum(c) || c == '_'; }

size_t skip_blanks(std::string_view text, size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

}  // namespace

Result<TagList> TagList::parse(std::string_view text, std::string_view what) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (!is_print(text[i]) && !is_space(text[i])) {
      return bad_character("invalid character", text, i,
                           fmt::format(" in {}", what));
    }
  }
  const std::string problem = fmt::format("syntax error in {}", what);
  TagList out;
  size_t at = skip_blanks(text, 0);
  while (at < text.size()) {
    size_t begin = at;
    while (at < text.size() && is_name_character(text[at])) ++at;
    std::string_view name = text.substr(begin, at - begin);
    at = skip_blanks(text, at);
    if (at == text.size()) {
      return fail(Fault::Protocol,
                  fmt::format("tag without value at end of {}", what));
    }
    if (name.empty() || text[at] != '=') {
      return bad_character(problem, text, at, "");
    }
    size_t end = std::min(text.find(';', ++at), text.size());
    out.tags_.emplace_back(name, trim(text.substr(at, end - at)));
    at = skip_blanks(text, std::min(end + 1, text.size()));
  }
  return out;
}

const std::string* TagList::find(std::string_view name) const {
  for (size_t i = tags_.size(); i > 0; --i) {
    if (tags_[i - 1].first == name) return &tags_[i - 1].second;
  }
  return nullptr;
}

std::string without_blanks(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (!is_space(c)) out += c;
  }
  return out;
}

std::string decode_base64(std::string_view text) {
  return mime::decode_base64_loose(text);
}

std::string decode_quoted(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_space(text[i])) continue;
    if (text[i] == '=' && i + 2 < text.size()) {
      int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::string encode_quoted(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c > 32 && c < 127 && c != ';' && c != '=' && c != '|') {
      out += c;
    } else {
      out += fmt::format("={:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::vector<std::string> colon_list(std::string_view text) {
  std::vector<std::string> out;
  for (std::string_view piece : split_exact(text, ':')) {
    out.push_back(without_blanks(piece));
  }
  return out;
}

}  // namespace mail::dkim
