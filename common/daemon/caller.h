#pragma once

#include <string>
#include <string_view>

#include "common/config/postfix/settings.h"

namespace mail::daemon {

/// The login name of the real user of a command; "unknown" without an account.
std::string caller_name();

/// root and mail_owner may always, or as the list says.
enum class Superuser { Always, AsListed };

/// Ends the command when the real user is not in `list` (authorized_*_users,
/// postconf(5)): `fatal: User NAME(UID) is not allowed to ACTION`.
void authorize_caller(const config::Settings& settings,
                      config::param::String list, std::string_view action,
                      Superuser superuser);

}  // namespace mail::daemon
