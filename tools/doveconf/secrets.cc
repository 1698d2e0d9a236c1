#include "common/base/ascii.h"
#include "tools/doveconf/dump.h"

namespace mail::doveconf {

namespace {

constexpr std::string_view kAll = "# hidden, use -P to show it";
constexpr std::string_view kPart = "#hidden_use-P_to_show#";

/// Whether a word that says "what follows '=' is secret" begins at `at`.
bool secret_word(std::string_view text, size_t at) {
  if (at > 0 && is_alnum(text[at - 1])) return false;
  for (std::string_view word : {"pass", "key", "secret"}) {
    if (istarts_with(text.substr(at), word)) return true;
  }
  return false;
}

std::string hide_assignments(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (!secret_word(text, at)) {
      out += text[at];
      continue;
    }
    size_t end = at;
    while (end < text.size() && !is_space(text[end]) && text[end] != '=') ++end;
    out += text.substr(at, end - at);
    if (end == text.size() || text[end] != '=') {
      at = end - 1;
      continue;
    }
    out += '=';
    out += kPart;
    while (end < text.size() && !is_space(text[end])) ++end;
    at = end - 1;
  }
  return out;
}

/// http://user:password@host
std::string hide_userinfo(std::string_view text) {
  std::string out;
  size_t from = 0;
  while (from < text.size()) {
    size_t end = from;
    while (end < text.size() && !is_space(text[end])) ++end;
    std::string_view word = text.substr(from, end - from);
    size_t n = 0;
    while (n < word.size() && is_alnum(word[n])) ++n;
    size_t at = word.find('@');
    if (n > 0 && word.substr(n).starts_with("://") &&
        at != std::string_view::npos &&
        word.substr(n + 3, at - n - 3).find('/') == std::string_view::npos) {
      out += word.substr(0, n + 3);
      out += kPart;
      out += word.substr(at);
    } else {
      out += word;
    }
    while (end < text.size() && is_space(text[end])) out += text[end++];
    from = end;
  }
  return out;
}

}  // namespace

std::string without_secrets(std::string_view key, std::string_view text) {
  if (text.empty()) return "";
  std::string_view last = key.substr(key.rfind('/') + 1);
  for (std::string_view end : {"_password", "_key", "_nonce"}) {
    if (last.ends_with(end)) return std::string(kAll);
  }
  if (last.starts_with("ssl_dh")) return std::string(kAll);
  return hide_userinfo(hide_assignments(text));
}

}  // namespace mail::doveconf
