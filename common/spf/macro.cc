#include "common/spf/macro.h"

#include <algorithm>

#include "common/base/ascii.h"

namespace mail::spf {

namespace {

constexpr std::string_view kDelimiters = ".-+,/_=";

bool is_unreserved(char c) {
  return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

std::string url_escape(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

std::string value_of(char letter, const MacroValues& values) {
  switch (letter) {
    case 's':
      return values.sender;
    case 'l':
      return values.sender.substr(0, values.sender.rfind('@'));
    case 'o':
      return values.sender.substr(values.sender.rfind('@') + 1);
    case 'd':
      return values.domain;
    case 'i':
      return values.ip;
    case 'p':
      return values.validated;
    case 'v':
      return std::string(values.protocol);
    case 'h':
      return values.helo;
    case 'c':
      return values.client;
    case 'r':
      return values.receiver;
    case 't':
      return values.time;
    default:
      return {};
  }
}

}  // namespace

std::optional<MacroString::Part> MacroString::parse_macro(std::string_view body,
                                                          Use use) {
  if (body.empty()) return std::nullopt;
  Part part;
  part.letter = to_lower(body[0]);
  part.escape = part.letter != body[0];
  constexpr std::string_view kEverywhere = "slodiphv";
  constexpr std::string_view kExplanation = "crt";
  bool known = kEverywhere.find(part.letter) != std::string_view::npos ||
               (use == Use::Explanation &&
                kExplanation.find(part.letter) != std::string_view::npos);
  if (!known) return std::nullopt;
  body.remove_prefix(1);
  size_t digits = 0;
  constexpr size_t kMostParts = 128;
  while (!body.empty() && is_digit(body[0])) {
    part.keep = std::min(part.keep * 10 + static_cast<size_t>(body[0] - '0'),
                         kMostParts);
    ++digits;
    body.remove_prefix(1);
  }
  if (digits > 0 && part.keep == 0) return std::nullopt;
  if (!body.empty() && to_lower(body[0]) == 'r') {
    part.reverse = true;
    body.remove_prefix(1);
  }
  if (body.find_first_not_of(kDelimiters) != std::string_view::npos) {
    return std::nullopt;
  }
  if (!body.empty()) part.delimiters = body;
  return part;
}

std::optional<MacroString> MacroString::parse(std::string_view text, Use use) {
  MacroString out;
  auto literal = [&out]() -> std::string& {
    if (out.parts_.empty() || out.parts_.back().letter != 0) {
      out.parts_.emplace_back();
    }
    return out.parts_.back().literal;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c != '%') {
      bool blank = c == ' ' && use == Use::Explanation;
      if (!blank && (c <= ' ' || c > '~')) return std::nullopt;
      literal() += c;
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    if (text[i] == '%') {
      literal() += '%';
    } else if (text[i] == '_') {
      literal() += ' ';
    } else if (text[i] == '-') {
      literal() += "%20";
    } else if (text[i] == '{') {
      size_t end = text.find('}', i);
      if (end == std::string_view::npos) return std::nullopt;
      auto part = parse_macro(text.substr(i + 1, end - i - 1), use);
      if (!part) return std::nullopt;
      out.parts_.push_back(std::move(*part));
      i = end;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

bool MacroString::uses(char letter) const {
  return std::any_of(parts_.begin(), parts_.end(), [letter](const Part& part) {
    return part.letter == letter;
  });
}

bool MacroString::ends_as_domain() const {
  if (parts_.empty()) return false;
  if (parts_.back().letter != 0) return true;
  std::string_view text = parts_.back().literal;
  if (text.ends_with('.')) text.remove_suffix(1);
  size_t dot = text.rfind('.');
  // A label after a macro alone ("%{d}com") is part of the macro's own.
  if (dot == std::string_view::npos) return false;
  std::string_view label = text.substr(dot + 1);
  if (label.empty() || label.front() == '-' || label.back() == '-') {
    return false;
  }
  bool all_digits = true;
  for (char c : label) {
    if (!is_alnum(c) && c != '-') return false;
    all_digits = all_digits && is_digit(c);
  }
  return !all_digits;
}

std::string MacroString::transform(const Part& part, std::string_view value) {
  std::vector<std::string_view> pieces;
  while (true) {
    size_t end = value.find_first_of(part.delimiters);
    pieces.push_back(value.substr(0, end));
    if (end == std::string_view::npos) break;
    value.remove_prefix(end + 1);
  }
  if (part.reverse) std::reverse(pieces.begin(), pieces.end());
  size_t first = part.keep > 0 && part.keep < pieces.size()
                     ? pieces.size() - part.keep
                     : 0;
  std::string out;
  for (size_t i = first; i < pieces.size(); ++i) {
    if (i > first) out += '.';
    out += pieces[i];
  }
  return part.escape ? url_escape(out) : out;
}

std::string MacroString::expand(const MacroValues& values) const {
  std::string out;
  for (const auto& part : parts_) {
    if (part.letter == 0) {
      out += part.literal;
    } else {
      out += transform(part, value_of(part.letter, values));
    }
  }
  return out;
}

std::string as_name(std::string text) {
  constexpr size_t kNameLimit = 253;
  if (text.ends_with('.')) text.pop_back();
  while (text.size() > kNameLimit) {
    size_t dot = text.find('.');
    if (dot == std::string::npos) return {};
    text.erase(0, dot + 1);
  }
  return text;
}

}  // namespace mail::spf
