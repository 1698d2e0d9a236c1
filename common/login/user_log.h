#pragma once

#include <string_view>

#include "common/log/log.h"

namespace mail::login {

/// One line with a user's own prefix ("imap(alice)<4711><755/H/1gHr9/AAAB>: ")
/// in place of the process's.
void user_log(std::string_view prefix, log::Level level, std::string_view text);

}  // namespace mail::login
