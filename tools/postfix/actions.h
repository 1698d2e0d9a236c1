#pragma once

#include <string_view>

#include "tools/postfix/site.h"

namespace mail::postfix_command {

/// `postfix COMMAND`, as postfix(1) lists them; the exit status.
int act(const Site& site, std::string_view command, size_t extra_arguments);

/// postfix logrotate: moves maillog_file away, has it reopened, compresses it.
int rotate_log(const Site& site, size_t extra_arguments);

/// Logs "fatal: TEXT"; the exit status of it, 1.
int complain(std::string_view text);

}  // namespace mail::postfix_command
