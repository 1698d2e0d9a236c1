#include "common/smtp/capabilities.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::smtp {
namespace {

constexpr std::array<std::pair<std::string_view, uint32_t>, 13> kKeywords = {{
    {"PIPELINING", kPipelining},
    {"SIZE", kSize},
    {"8BITMIME", kEightBitMime},
    {"STARTTLS", kStartTls},
    {"AUTH", kAuth},
    {"DSN", kDsn},
    {"SMTPUTF8", kSmtpUtf8},
    {"CHUNKING", kChunking},
    {"XFORWARD", kXforward},
    {"ENHANCEDSTATUSCODES", kEnhancedStatusCodes},
    {"XCLIENT", kXclient},
    {"VRFY", kVrfy},
    {"ETRN", kEtrn},
}};

void append_words(std::string& list, std::string_view word) {
  if (!list.empty()) list += ' ';
  list += word;
}

void read_line(Capabilities& found, std::string_view line, uint32_t discard) {
  // Ancient servers write AUTH=LOGIN.
  auto words = split(line, " \t");
  if (words.empty()) return;
  std::string_view keyword = words[0], first;
  size_t argument = 1;
  if (istarts_with(keyword, "AUTH=")) {
    first = keyword.substr(5);
    keyword = keyword.substr(0, 4);
  }
  uint32_t bit = capability_bit(keyword) & ~discard;
  if (bit == 0) return;
  found.bits |= bit;
  if (bit == kSize && words.size() > 1) {
    found.size_limit = parse_number<int64_t>(words[1]).value_or(0);
  }
  if (bit == kAuth && !first.empty()) {
    append_words(found.auth_mechanisms, first);
  }
  for (; argument < words.size(); ++argument) {
    if (bit == kAuth) append_words(found.auth_mechanisms, words[argument]);
    if (bit == kXforward) {
      append_words(found.xforward_names, upper(words[argument]));
    }
  }
}

}  // namespace

uint32_t capability_bit(std::string_view keyword) {
  for (const auto& [name, bit] : kKeywords) {
    if (iequals(name, keyword)) return bit;
  }
  return 0;
}

bool Capabilities::has_xforward(std::string_view name) const {
  auto names = split(xforward_names, " ");
  return has(kXforward) &&
         std::find(names.begin(), names.end(), name) != names.end();
}

Capabilities parse_capabilities(std::string_view text, uint32_t discard) {
  Capabilities found;
  bool first = true;
  for (std::string_view line : split_exact(text, '\n')) {
    if (!std::exchange(first, false)) {
      read_line(found, line, discard);
      continue;
    }
    auto words = split(line, " \t");
    if (!words.empty()) found.host = words[0];
  }
  return found;
}

}  // namespace mail::smtp
