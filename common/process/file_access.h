#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"

namespace mail::process {

/// From now on this process (no_new_privs must be set) makes, removes and
/// runs no file, and opens for writing only what lies beneath `writes`. What
/// is open stays so, reading and sockets are not concerned. A kernel without
/// Landlock lets everything be as it was; a directory that is not there grants
/// nothing. Errors: of the calls. Source: landlock(7).
Result<> restrict_files(const std::vector<std::string>& writes);

}  // namespace mail::process
