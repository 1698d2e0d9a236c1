#pragma once

#include "common/base/result.h"
#include "common/net/stream.h"
#include "common/net/task_set.h"

namespace mail::daemon {

/// One stream over standard input and output (-S), whatever they are: sockets,
/// pipes, terminals or files. `relay` carries the bytes until both ends are
/// done. Errors: socketpair.
Result<net::Stream> standalone_stream(net::TaskSet& relay);

}  // namespace mail::daemon
