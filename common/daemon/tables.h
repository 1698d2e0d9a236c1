#pragma once

#include "common/daemon/service.h"
#include "common/maps/table.h"
#include "common/queue/spool.h"

namespace mail::daemon {

/// How this process opens its lookup tables: buffer sizes, the file system
/// outside the jail, proxymap, and draining when a changed table cannot be
/// read any more.
maps::OpenOptions table_options(Context& context);

/// Where queue files are, as main.cf says; paths relative to the queue.
queue::Layout queue_layout(const config::Settings& settings);

}  // namespace mail::daemon
