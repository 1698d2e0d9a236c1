#include "tools/opendkim/diagnosis.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/dkim/tag_list.h"

namespace mail::opendkim_tools {

namespace {

constexpr size_t kOneString = 255;  // of a TXT record

bool has(std::string_view text, std::string_view what) {
  return text.find(what) != std::string_view::npos;
}

/// p= however broken the list around it is: up to ";" or the end.
std::string published_key(std::string_view text) {
  size_t at = text.find("p=");
  while (at != std::string_view::npos && at > 0 && is_alnum(text[at - 1])) {
    at = text.find("p=", at + 1);
  }
  if (at == std::string_view::npos) return "";
  std::string_view rest = text.substr(at + 2);
  return dkim::without_blanks(rest.substr(0, rest.find(';')));
}

void look_at_text(std::string_view text, std::vector<std::string>& out) {
  if (has(text, "\"")) {
    out.push_back(
        "the published value contains literal quotes: enter it without them");
  }
  if (has(text, "\\;") || has(text, "\\")) {
    out.push_back(
        "the published value contains backslashes: enter plain semicolons");
  }
  if (text.starts_with('(') || has(text, "( ") || has(text, " )")) {
    out.push_back(
        "the published value contains parentheses: they belong to the zone "
        "file, not to the value");
  }
  if (has(text, "_domainkey") || has(text, "IN TXT") || has(text, "IN\tTXT")) {
    out.push_back(
        "the published value contains the record's name: enter only what is "
        "inside the quotes");
  }
  if (!has(text, "p=")) {
    out.push_back("the published value has no p= tag: the key is missing");
  }
}

void compare(std::string_view text, const std::string& key,
             std::string_view expected, std::vector<std::string>& out) {
  if (key.empty() || key == expected) return;
  if (expected.starts_with(key)) {
    out.push_back(
        text.size() == kOneString || text.size() == kOneString + 1
            ? fmt::format("the published value ends at byte {}: the DNS panel "
                          "cut it; publish two strings, or a 1024-bit key",
                          text.size())
            : fmt::format("the published value ends after {} of {} characters "
                          "of the key",
                          key.size(), expected.size()));
    return;
  }
  if (lower(key) == lower(expected)) {
    out.push_back(
        "the published key differs in upper and lower case: base64 must be "
        "copied as it is");
    return;
  }
  if (!has(text, "\"") && !has(text, "\\")) {
    out.push_back(
        "the private key is a different one: publish the record that was "
        "made with it, or sign with the key that is published");
  }
}

}  // namespace

std::vector<std::string> diagnose(std::string_view published,
                                  std::string_view expected) {
  std::vector<std::string> out;
  look_at_text(published, out);
  std::string key = published_key(published);
  if (!expected.empty()) {
    compare(published, key, expected, out);
  } else if (published.size() == kOneString) {
    out.push_back(
        "the published value ends at byte 255: the DNS panel may have cut it");
  }
  return out;
}

}  // namespace mail::opendkim_tools
