#pragma once

#include <string>
#include <string_view>

namespace mail::postdrop {

/// Whether one of `patterns` (a result of local_login_sender_maps,
/// postconf(5); parted by blanks or commas) lets its user send as `sender`:
/// "*" any, `null_key` the null sender, "@domain" any of that domain, else the
/// address itself. Case, and the sender's extension, count for nothing.
bool allows_sender(std::string_view patterns, std::string_view sender,
                   std::string_view null_key, std::string_view delimiters);

}  // namespace mail::postdrop
