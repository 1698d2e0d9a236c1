#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace mail::doveadm {

/// A date of a query as imap::parse_search() takes it: "1-Jan-2020", or
/// seconds since 1970 for an interval ("2weeks", back from `now`) and a Unix
/// timestamp. Errors: Protocol, in the original's words.
Result<std::string> query_date(std::string_view text, int64_t now);
/// A size ("100", "10k", "1M") in bytes, as text. Errors: the same.
Result<std::string> query_size(std::string_view text);

}  // namespace mail::doveadm
