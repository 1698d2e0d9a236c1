#pragma once

#include "common/config/postfix/load.h"

namespace mail::process {

/// What main.cf's defaults depend on, asked of this machine: host name,
/// interfaces that are up, accounts, names in inet_interfaces.
config::HostFacts host_facts();

}  // namespace mail::process
