#pragma once

#include "common/base/unique_fd.h"
#include "common/net/task.h"
#include "master/service_spec.h"

namespace mail::master {

/// Wakes a service as a timer does: connects, writes 'W', then a NUL byte,
/// and stays until the service closes, ten seconds at the most. Warns when it
/// cannot connect.
net::Task<> wake_up(config::ServiceType type, net::Endpoint where);

/// Where wake_up() connects to.
net::Endpoint wakeup_address(const ServiceSpec& spec);

}  // namespace mail::master
