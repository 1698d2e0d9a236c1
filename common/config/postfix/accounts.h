#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/load.h"
#include "common/config/postfix/settings.h"

namespace mail::config {

/// default_privs, mail_owner and setgid_group must exist, be no one's with
/// privileges, and differ.
/// Errors: Config, the original's text: "file PATH: parameter mail_owner:
/// unknown user name value: X".
Result<> check_accounts(const Settings& settings, const HostFacts& host);

/// Whether a set-user-ID or set-group-ID program may use `directory` as its
/// configuration directory: only when /etc/postfix/main.cf, whose settings
/// are `settings`, lists it in alternate_config_directories or
/// multi_instance_directories. Errors: Config; log each of the lines.
Result<> check_config_directory(const Settings& settings,
                                const std::string& directory);

}  // namespace mail::config
