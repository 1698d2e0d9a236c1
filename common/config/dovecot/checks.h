#pragma once

#include "common/config/dovecot/layers.h"

namespace mail::config::dovecot {

/// What can only be seen when all has been read: unknown protocols, sections
/// without what they need. Adds to `config.problems`.
void check(Configuration::Impl& config);

}  // namespace mail::config::dovecot
