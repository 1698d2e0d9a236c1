#pragma once

#include <string>
#include <string_view>

namespace mail::maps {

/// `text` with its case folded: ASCII, or with `utf8` all of Unicode (full
/// folding; malformed bytes stay). A view of `text` itself when there is
/// nothing to fold, else of `buffer`.
std::string_view fold_case(std::string_view text, bool utf8,
                           std::string& buffer);

}  // namespace mail::maps
