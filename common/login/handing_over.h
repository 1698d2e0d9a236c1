#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/ipc/login_handoff.h"
#include "common/net/stream.h"

namespace mail::login {

struct Handed {
  int32_t mail_pid = 0;
  /// Our end of the mail process's connection when we must relay; else the
  /// mail process has the client itself.
  UniqueFd relay;
};

/// Passes the client to the mail process that listens at `socket`. Without TLS
/// its own descriptor; with it (must_relay), or when what it has sent does not
/// fit into the request, one end of a socketpair. `unread` follows
/// request.data. Errors: the text names socket and reason.
net::Task<Result<Handed>> hand_client_on(std::string socket,
                                         ipc::login::Request request,
                                         std::string unread,
                                         net::Stream* client, bool must_relay,
                                         net::Deadline deadline);

/// 32 hex digits of auth's COOKIE; zeros for anything else.
std::array<uint8_t, 16> cookie_bytes(std::string_view hex);

/// "Temporary authentication failure. [host:2026-11-24 10:00:00]", now.
std::string temporary_failure_text(std::string_view hostname);

}  // namespace mail::login
