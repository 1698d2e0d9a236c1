#pragma once

#include <sys/types.h>

#include <string>

#include "common/base/result.h"

namespace mail::dkim_milter {

/// Whether nobody but `uid` and root can read or replace a key file: the file
/// and each directory above it (RequireSafeKeys, opendkim.conf(5)).
/// path: absolute or relative; symbolic links are followed first.
/// Errors: Config, what is wrong in the original's words, then the mode and
/// the command that mends it; fail_errno when the file cannot be looked at.
Result<> check_key_safety(const std::string& path, uid_t uid);

}  // namespace mail::dkim_milter
