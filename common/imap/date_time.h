#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mail::imap {

/// `24-Nov-2026 03:22:15 +0000` (RFC 3501, date-time), at a zone of `offset`
/// seconds east of UTC.
std::string format_date_time(int64_t seconds, int offset);
/// nullopt: no date-time.
std::optional<int64_t> parse_date_time(std::string_view text);
/// `1-Jan-2020`, quoted or not: days since 1970. nullopt: no date.
std::optional<int64_t> parse_date(std::string_view text);

}  // namespace mail::imap
