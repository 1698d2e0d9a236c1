#pragma once

#include "common/config/dovecot/layers.h"
#include "tools/doveconf/options.h"

namespace mail::doveconf {

/// -e: becomes options.command, with the settings (upper-case names) and
/// DOVECONF_ENV=1 in its environment. Returns only when that failed.
int execute(const Options& options, const config::dovecot::Configuration& all,
            const config::dovecot::Merged& merged);

}  // namespace mail::doveconf
