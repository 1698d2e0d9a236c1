#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mail::config::dovecot {

/// The name of a section as it stands in a flat key and in a list's value:
/// '/' is "\s", ' ' is "\_", '\' is "\\".
std::string escape_name(std::string_view name);
std::string unescape_name(std::string_view escaped);

/// "service/imap-login/user": {"service", "imap-login", "user"}, still escaped.
std::vector<std::string_view> split_key(std::string_view key);

/// The names in a list's value, unescaped.
std::vector<std::string> list_names(std::string_view value);

}  // namespace mail::config::dovecot
