#pragma once

#include <string>
#include <string_view>

namespace mail {

/// Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, <= 10FFFF).
bool is_utf8(std::string_view text);
bool is_ascii(std::string_view text);

/// What a peer or a file said, safe for one log line: bytes that are neither
/// printable ASCII nor (with `utf8`) part of well-formed UTF-8 become '?'.
std::string printable(std::string_view text, bool utf8 = true);

}  // namespace mail
