#pragma once

#include <sys/types.h>

#include <string>

#include "common/base/result.h"
#include "common/config/dovecot/settings.h"

namespace mail::dovecot {

/// base_dir and what must be in it: login, token-login, empty, the link to the
/// configuration. Errors: Config.
Result<> make_premises(const config::dovecot::Settings& settings,
                       const std::string& config_path);

/// The pid in base_dir/master.pid of a master that runs; 0: none does.
pid_t running_master(const std::string& base_dir);
/// Errors: Config.
Result<> write_pid_file(const std::string& base_dir);
void remove_pid_file(const std::string& base_dir);

}  // namespace mail::dovecot
