#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail::mailbox {

/// Modified UTF-7 (RFC 3501, 5.1.3) of well-formed UTF-8.
std::string to_mutf7(std::string_view utf8);
/// nullopt: not valid mUTF-7 (8-bit bytes, bad base64, superfluous encoding).
std::optional<std::string> from_mutf7(std::string_view name);

}  // namespace mail::mailbox
