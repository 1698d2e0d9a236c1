#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/load.h"
#include "tools/postconf/options.h"

namespace mail::postconf {

/// main.cf's new text for `postconf -e name=value`, `-X name`, `-# name`.
/// Errors: Config, the text for "fatal: ".
Result<std::string> edit_main(std::string_view text, std::string_view path,
                              const Options& options,
                              const config::WarningSink& warn);

/// master.cf's new text for -Me, -MX, -M#, -Fe, -Pe, -PX.
Result<std::string> edit_master(std::string_view text, std::string_view path,
                                const Options& options,
                                const config::WarningSink& warn);

}  // namespace mail::postconf
