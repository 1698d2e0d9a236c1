#pragma once

#include "tools/postfix/site.h"

namespace mail::postfix_command {

/// Whether queue files are not under the name or in the subdirectory that
/// they should be (a queue restored from a copy, a new hash_queue_depth). A
/// sample of each queue decides, so that a full queue costs no time.
bool queue_names_need_mending(const Site& site);

}  // namespace mail::postfix_command
