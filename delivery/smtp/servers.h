#pragma once

#include <string>
#include <vector>

#include "common/ipc/groups.h"
#include "common/net/address.h"
#include "delivery/smtp/config.h"

namespace mail::smtpc {

/// What keeps a message (or some of its recipients) from going.
struct Problem {
  ipc::Dsn dsn;
  bool throttle = true;      ///< the destination itself is in trouble
  bool retry_plain = false;  ///< TLS was to blame, and need not be
  bool no_relay = false;     ///< our own trouble: relay=none in the log
  std::string relay;         ///< whose word it was, when that is past
  int reuse_count = 0;       ///< of that session
};
Problem problem(std::string_view status, std::string reason);

/// One address of one server, in the order in which they are tried.
struct Server {
  std::string name;  ///< of the host, for logs
  net::Endpoint where;
  std::string shown() const;  ///< HOST[ADDR]
  std::string relay() const;  ///< HOST[ADDR]:PORT, HOST[/path]
};

struct Servers {
  std::vector<Server> list;
  std::optional<Problem> problem;  ///< when the list is empty
};
/// MX (unless the destination forbids it), then addresses; this host and what
/// is no better are left out.
net::Task<Servers> find_servers(Config& config, Destination destination);

}  // namespace mail::smtpc
