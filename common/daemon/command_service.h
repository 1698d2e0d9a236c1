#pragma once

#include <string>
#include <vector>

#include "common/config/postfix/settings.h"
#include "common/process/ids.h"

namespace mail::daemon {

// What services that run the commands of a master.cf line have in common.

/// "name" or "name:group" of user=: neither root's ids nor the mail system's.
/// Errors: Config.
Result<process::UserIds> find_service_user(std::string_view user,
                                           const config::Settings& settings);

/// What every command finds in its environment: export_environment, PATH.
std::vector<std::string> command_environment(const config::Settings& settings);

}  // namespace mail::daemon
