#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "dkim-milter/transaction.h"

namespace mail::dkim_milter {

/// How the filter is brought to the MTA.
struct Service {
  std::string socket;  ///< "inet:8891@localhost", "local:/path", ...
  int debug_level = 0;
  /// Looked at when a connection begins, by several threads.
  std::function<std::shared_ptr<const Context>()> context;
};

/// libmilter's own names: "unix:" and a bare path are local sockets.
/// "" if it is none of that kind.
std::string local_socket_path(const std::string& socket);
/// Removes a local socket that nobody listens at.
/// Errors: Temporary, "Address already in use" and the like.
Result<> remove_stale_socket(const std::string& socket);

/// Registers and opens the listening socket.
/// Errors: Config, "smfi_opensocket() failed".
Result<> open_milter(const Service& service);
/// Serves until SIGTERM, SIGINT or SIGHUP. The status: 0 if all went well.
int serve_milter();

/// "1.0.1", "0x1000001".
std::string milter_library_version();
std::string milter_interface_version();

}  // namespace mail::dkim_milter
