#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/config/postfix/settings.h"
#include "master/options.h"

namespace mail::master {

/// Descriptors 0 to 2 to /dev/null (as far as the options say so), those
/// above closed, umask 077.
void settle_descriptors(const Options& options);

/// -w: a child goes on; the parent stays here and exits with 0 when the child
/// closes `ready` after writing one byte to it, else with a fatal message.
UniqueFd fork_and_wait();

/// Only what import_environment names is left, plus what children look for:
/// MAIL_CONFIG, MAIL_LOGTAG, POSTLOG_SERVICE and POSTLOG_HOSTNAME.
/// Errors: Config, a malformed import_environment.
Result<> clean_environment(const config::Settings& settings);

/// The log of the master itself: a log file is written directly, since the
/// process that serves postlog is one of our own children.
void open_master_log(const config::Settings& settings);

}  // namespace mail::master
