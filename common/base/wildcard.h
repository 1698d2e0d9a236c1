#pragma once

#include <string_view>

namespace mail {

/// The whole of `text` against `pattern`, where "*" stands for anything, also
/// for nothing. Case counts. Never worse than pattern times text.
bool match_wildcard(std::string_view pattern, std::string_view text);

}  // namespace mail
