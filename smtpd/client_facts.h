#pragma once

#include "common/net/task.h"
#include "smtpd/config.h"
#include "smtpd/facts.h"

namespace mail::smtpd {

/// Addresses of both ends, and the client's name: PTR, which counts only if
/// that name has the address too. Logs what does not agree.
net::Task<ClientFacts> learn_client(Config& config, int fd);
/// What follows from name, address and port.
net::Task<> settle_client(Config& config, ClientFacts& client);

}  // namespace mail::smtpd
