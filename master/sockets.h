#pragma once

#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/process/ids.h"
#include "master/service_spec.h"

namespace mail::master {

/// Creates what `spec` listens on, non-blocking, in the order of its
/// addresses. Relative paths begin at the working directory (the queue); a
/// socket's file is replaced, made by `owner` (nullopt: by us), mode 0666
/// (fifo 0622): the directories public and private keep others out.
/// An address family that the kernel lacks is left out if another remains.
/// Errors: "bind 0.0.0.0 port 25: Permission denied", with errno.
Result<std::vector<UniqueFd>> make_sockets(
    const ServiceSpec& spec, const std::optional<process::UserIds>& owner,
    int backlog);

/// The same descriptor at a high number, out of the way of those that
/// children are given; close-on-exec.
UniqueFd move_high(UniqueFd fd);

}  // namespace mail::master
