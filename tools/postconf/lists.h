#pragma once

#include <string>

#include "common/base/result.h"
#include "common/config/postfix/load.h"
#include "tools/postconf/options.h"

namespace mail::postconf {

/// What -m, -l, -a, -A and -T print: the capabilities of this build.
/// Errors: Config: "unknown 'postconf -T' mode: X".
Result<std::string> show_list(const Options& options);

/// What -t and -b print. Errors: Config, the text for "fatal: ".
Result<std::string> show_templates(const Options& options,
                                   const config::LoadArgs& load);

}  // namespace mail::postconf
