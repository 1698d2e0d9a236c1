#include "common/config/dovecot/flat_key.h"

#include "common/base/ascii.h"

namespace mail::config::dovecot {

std::string escape_name(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c == '/') {
      out += "\\s";
    } else if (c == ' ') {
      out += "\\_";
    } else if (c == '\\') {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  return out;
}

std::string unescape_name(std::string_view escaped) {
  std::string out;
  for (size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '\\' || i + 1 == escaped.size()) {
      out += escaped[i];
      continue;
    }
    char c = escaped[++i];
    out += c == 's' ? '/' : c == '_' ? ' ' : c;
  }
  return out;
}

std::vector<std::string_view> split_key(std::string_view key) {
  return split_exact(key, '/');
}

std::vector<std::string> list_names(std::string_view value) {
  std::vector<std::string> out;
  for (auto name : split(value, " \t")) out.push_back(unescape_name(name));
  return out;
}

}  // namespace mail::config::dovecot
