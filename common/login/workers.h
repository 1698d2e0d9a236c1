#pragma once

#include <sys/types.h>

#include <vector>

#include "common/daemon/dovecot_service.h"
#include "common/daemon/user_workers.h"

namespace mail::login {

/// How a service under dovecot's master starts processes of its users: with
/// its log and anvil descriptors, without its status pipe.
daemon::UserWorkers::Options worker_options(
    const daemon::DovecotContext& context);

/// In a worker, as root: a process of many clients is not held to the address
/// space that vsz_limit gives to one.
void lift_memory_limit();

/// The service's extra_groups, which its users' processes keep.
std::vector<gid_t> supplementary_groups();

}  // namespace mail::login
