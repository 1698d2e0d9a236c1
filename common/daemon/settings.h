#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/settings.h"

namespace mail::daemon {

/// A log before main.cf is known: MAIL_LOGTAG (or postfix) and the process.
void open_first_log(std::string_view process);

/// Loads main.cf of MAIL_CONFIG (or /etc/postfix) with "name=value" overrides
/// and opens the log as it says. Errors end the process with `fatal:`.
std::shared_ptr<const config::Settings> load_daemon_settings(
    const std::string& process, const std::string& service,
    const std::vector<std::string>& overrides, bool to_stderr);

/// The same without a log of its own, and with errors returned: for who goes
/// on with the settings of before.
Result<std::shared_ptr<const config::Settings>> try_load_settings(
    const std::string& process, const std::string& service,
    const std::vector<std::string>& overrides);

/// Opens the log as `settings` say; for commands and daemons.
void open_log(const config::Settings& settings, std::string_view process,
              bool to_stderr);

}  // namespace mail::daemon
