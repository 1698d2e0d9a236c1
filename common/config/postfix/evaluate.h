#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/config/postfix/param_info.h"

namespace mail::config {

/// The number of an expanded value: a bool 0 or 1, a time in seconds, 0 for
/// texts. Checks bounds; of a text those of its length.
/// Errors: Config, the original's text: "bad boolean configuration: ...".
Result<long> evaluate(const ParamInfo& info, std::string_view value);

// The same for names that are not built in.
Result<long> evaluate_int(std::string_view name, std::string_view value,
                          long min, long max);
Result<long> evaluate_time(std::string_view name, std::string_view value,
                           char unit, long min, long max);

}  // namespace mail::config
