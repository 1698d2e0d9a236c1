#pragma once

#include <functional>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "dkim-milter/transaction.h"

namespace mail::dkim_milter {

/// Removes a local socket that nobody listens at.
/// Errors: Temporary, "Address already in use" and the like.
Result<> remove_stale_socket(const std::string& socket);
/// "unix:" and a bare path are local sockets; "" if it is none of that kind.
std::string local_socket_path(const std::string& socket);

/// Opens the listening socket by libmilter, which reads and reports what it
/// is given as every filter does. socket: "inet:8891@localhost",
/// "local:/path", ... Errors: Config, "smfi_opensocket() failed".
Result<UniqueFd> open_milter(const std::string& socket, int debug_level);

/// Serves until SIGTERM, SIGINT or SIGHUP; messages that have begun get some
/// seconds. A thread for each client; some wait in accept() for the next, so
/// that neither a connection nor its end costs a thread's.
/// context: looked at when a connection begins, by several threads; like the
/// socket it must live until the process ends.
void serve_milter(const UniqueFd& listener,
                  std::function<std::shared_ptr<const Context>()> context);

/// libmilter's own: "1.0.1", "0x1000001".
std::string milter_library_version();
std::string milter_interface_version();

}  // namespace mail::dkim_milter
