#pragma once

#include <string_view>

namespace mail::smtp {

/// Takes the first token off a command line: text up to a blank that is
/// outside of quotes, backslash pairs and <...>, which may nest. Views into
/// `rest`; empty: none left.
std::string_view take_token(std::string_view& rest);

}  // namespace mail::smtp
