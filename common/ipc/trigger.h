#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/net/deadline.h"
#include "common/net/task.h"

namespace mail::ipc {

/// Wakes a service (public/qmgr, public/pickup): connects, writes `bytes` and
/// a NUL, closes. Bytes: W wakeup, I incoming, D deferred, F flush, A all.
/// A receiver that closes early is no error; a FIFO is written likewise.
/// Errors: "connect to PATH: reason".
net::Task<Result<>> trigger(std::string path, std::string bytes,
                            net::Deadline deadline);

}  // namespace mail::ipc
