#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

#include "common/daemon/dovecot_service.h"
#include "common/daemon/user_workers.h"
#include "common/net/task_set.h"

namespace mail::login {

/// How a service under dovecot's master starts processes of its users: with
/// its log and anvil descriptors, without its status pipe.
daemon::UserWorkers::Options worker_options(
    const daemon::DovecotContext& context);

/// In a worker, as root: a process of many clients is not held to the address
/// space that vsz_limit gives to one.
void lift_memory_limit();

/// A worker's life: `serve` for each job, all at once in `jobs`, until its
/// parent ends it. stopping: called when that is because the service shall
/// stop.
net::Task<> work(daemon::DovecotContext& context, daemon::WorkerPort& port,
                 net::TaskSet& jobs,
                 std::function<net::Task<>(daemon::WorkerPort::Job)> serve,
                 std::function<void()> stopping = nullptr);

/// The service's extra_groups, which its users' processes keep.
std::vector<gid_t> supplementary_groups();

}  // namespace mail::login
