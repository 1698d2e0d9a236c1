#pragma once

#include "tools/postfix/site.h"

namespace mail::postfix_command {

/// What must be right before the mail system may start: directories,
/// programs, master.cf, queue files under their right names. Makes missing
/// directories. False: a `fatal:` line has said why.
bool check_fatal(const Site& site);

/// A start looks at directories only, so that a full queue costs no time.
enum class Thoroughness { Directories, EachMessage };

/// What should be right: owners and modes, files in the jail that differ from
/// those outside, damaged messages. Warns.
void check_warn(const Site& site, Thoroughness thoroughness);

}  // namespace mail::postfix_command
