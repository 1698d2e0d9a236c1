#pragma once

#include <string>
#include <vector>

#include "common/config/dovecot/description.h"
#include "common/config/dovecot/layers.h"

namespace mail::config::dovecot {

/// Whether one of `modules` reads the root setting (no modules: all do).
bool read_by(const SettingInfo& setting,
             const std::vector<std::string>& modules);

/// Keys and values in order of the description: what is set, no defaults.
/// files: Impl::files, for messages. Errors: Config, a `<file` that cannot be
/// read, in the original's words.
Result<FlatSettings> flatten(const Merged& merged,
                             const std::vector<std::string>& modules,
                             const std::vector<std::string>& files,
                             FileReader& reader);

}  // namespace mail::config::dovecot
