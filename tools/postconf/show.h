#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/config/postfix/load.h"
#include "tools/postconf/model.h"
#include "tools/postconf/options.h"

namespace mail::postconf {

/// The output of each form; problems that stop nothing go to `warn`.
/// Errors: Config, the text for "fatal: ".
Result<std::string> show_params(const Model& model, const Options& options,
                                const config::WarningSink& warn);
Result<std::string> show_master(const Model& model, const Options& options,
                                const config::WarningSink& warn);
Result<std::string> show_fields(const Model& model, const Options& options,
                                const config::WarningSink& warn);
Result<std::string> show_overrides(const Model& model, const Options& options,
                                   const config::WarningSink& warn);

/// "smtp/unix/chroot" with at most `limit` pieces. Errors: none, nullopt.
std::optional<Pattern> parse_pattern(std::string_view text, int limit);

}  // namespace mail::postconf
