#pragma once

#include "common/net/address.h"
#include "common/net/descriptor.h"
#include "common/net/task.h"

namespace mail::net {

/// A listening socket that several processes may share.
class Listener {
 public:
  /// Takes a socket that listens already (from a supervisor).
  explicit Listener(UniqueFd fd) : descriptor_(std::move(fd)) {}
  /// Binds and listens; a Unix socket file of that name is replaced.
  /// Errors: "bind ENDPOINT: reason".
  static Result<UniqueFd> bind(const Endpoint& where, int backlog = 128);

  int fd() const { return descriptor_.fd(); }
  /// The next client, non-blocking and close-on-exec. Errors: only such as
  /// concern us (EMFILE, ENFILE, ENOMEM): wait a little, then go on.
  Task<Result<UniqueFd>> accept();

 private:
  Descriptor descriptor_;
};

/// Connects without blocking. TCP sockets get TCP_NODELAY: requests and
/// answers alternate. Errors: "connect to ENDPOINT: reason" with errno.
Task<Result<UniqueFd>> connect_to(Endpoint where, Deadline deadline,
                                  std::optional<IpAddress> from);
Task<Result<UniqueFd>> connect_to(Endpoint where, Deadline deadline);
/// The same for a Unix socket.
Task<Result<UniqueFd>> connect_unix(std::string path, Deadline deadline);

}  // namespace mail::net
