#pragma once

#include <string>

#include "common/base/result.h"

namespace mail::login {

/// What a client may read of the mailboxes' error: their words if it is
/// Permanent, else a reference to the log with the time.
std::string public_text(const Error& error);

}  // namespace mail::login
