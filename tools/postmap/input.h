#pragma once

#include <functional>
#include <string_view>

#include "common/base/result.h"

namespace mail::postmap {

/// Standard input line by line, without line ends; one line at a time in
/// memory. `take` ends it with false; `pause` is called before each read,
/// which may wait. Errors: "read stdin: reason".
Result<> for_each_line(const std::function<bool(std::string_view)>& take,
                       const std::function<void()>& pause = {});

}  // namespace mail::postmap
