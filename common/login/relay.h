#pragma once

#include "common/net/stream.h"
#include "common/net/task.h"

namespace mail::login {

/// Carries bytes between a client and its mail process, both ways, until
/// either side ends: for clients whose TLS stays in the login process. What
/// the mail process has said is sent to its end.
net::Task<> relay(net::Stream* client, net::Stream* mail);

}  // namespace mail::login
