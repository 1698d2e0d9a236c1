#pragma once

#include <string>

#include "common/dns/packet.h"
#include "common/dns/resolv_conf.h"
#include "common/net/deadline.h"
#include "common/net/task.h"

namespace mail::dns {

/// One question put to the servers of `conf` in turn: UDP, TCP after
/// truncation, without EDNS for servers that do not know it, `attempts` rounds.
/// Question's id is chosen here anew for each datagram.
/// Errors: Temporary, nobody has answered in time (sys ETIMEDOUT when it was
/// the deadline's fault), or all that did had failed.
net::Task<Result<Reply>> exchange(ResolvConf conf, Question question,
                                  net::Deadline deadline);

}  // namespace mail::dns
