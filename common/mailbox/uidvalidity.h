#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.h"
#include "common/mailbox/permissions.h"

namespace mail::mailbox {

/// A UIDVALIDITY that no mailbox of this namespace has had: the time, or one
/// more than the last one if that is greater. The last is in `directory`'s
/// dovecot-uidvalidity (8 hex digits) and in the name of an empty file
/// dovecot-uidvalidity.HEX, whose creation or renaming decides between
/// processes.
Result<uint32_t> next_uidvalidity(const std::string& directory,
                                  const Permissions& permissions);

}  // namespace mail::mailbox
