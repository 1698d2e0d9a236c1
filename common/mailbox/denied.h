#pragma once

#include <string>

#include "common/base/result.h"

namespace mail::mailbox {

/// What a call wanted of its path: to read it, to write it, or to make or
/// remove it in its directory.
enum class Wanted { Read, Write, Entry };

/// fail_errno() that says of EACCES which permission is missing where, as
/// Dovecot does: "open(/a/b) failed: Permission denied (euid=5001(<unknown>)
/// egid=8(mail) missing +x perm: /a, dir owned by 0:0 mode=0700)".
/// what: the call and its path, "open(/a/b) failed". Looks at the file system,
/// so call it before anything changes.
[[nodiscard]] Failure fail_access(std::string_view what,
                                  const std::string& path, Wanted wanted,
                                  int sys);

/// The part in parentheses, with a blank before it.
std::string explain_denied(const std::string& path, Wanted wanted);

}  // namespace mail::mailbox
