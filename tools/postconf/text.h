#pragma once

#include <string>
#include <string_view>

namespace mail::postconf {

/// The words of `text` with one blank between; folded: broken before a word
/// that would pass column 80, continued behind four blanks.
std::string rejoin(std::string_view text, bool folded);

}  // namespace mail::postconf
