#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail {

/// RFC 4648, 4, with padding, in one line.
std::string base64_encode(std::string_view bytes);
/// nullopt: a character outside the alphabet, or a wrong length or padding.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace mail
