#pragma once

#include <string>
#include <vector>

#include "common/config/postfix/settings.h"

namespace mail::delivery {

/// What every command finds in its environment: export_environment, PATH.
std::vector<std::string> command_environment(const config::Settings& settings);

}  // namespace mail::delivery
