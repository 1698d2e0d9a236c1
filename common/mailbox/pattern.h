#pragma once

#include <string_view>

namespace mail::mailbox {

/// LIST's patterns (RFC 3501, 6.3.8): * any text, % any without `separator`.
/// The part INBOX, first or alone, is compared without case.
bool matches_pattern(std::string_view name, std::string_view pattern,
                     char separator);

}  // namespace mail::mailbox
