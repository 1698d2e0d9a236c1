#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/dovecot/version.h"
#include "common/process/ids.h"

namespace mail::daemon {

/// The version that masters and children compare.
inline constexpr std::string_view kDovecotVersion = config::dovecot::kVersion;
/// Set by our own master: a child may take more clients than CLIENT_LIMIT
/// says, for it reports how many it takes.
inline constexpr std::string_view kOurMaster = "POSTCOTE_MASTER";

/// What Dovecot's master says to a child by its environment.
struct DovecotEnvironment {
  struct Socket {
    std::string name;
    bool ssl = false, haproxy = false;
  };
  bool child = false;  ///< started by a master at all
  bool our_master = false;
  bool log_service = false;  ///< descriptor 2 leads to the log service
  std::string service, config_file, hostname;
  unsigned client_limit = 1, process_limit = 1, process_min_avail = 0;
  unsigned service_count = 0;
  unsigned generation = 0;
  std::vector<Socket> sockets;  ///< of descriptors 7, 8, ...
  /// RESTRICT_*: what to become once all is open.
  std::optional<process::UserIds> ids;
  std::vector<gid_t> groups;
  std::string chroot;

  /// Errors: Config, a value that no master writes; another version.
  static Result<DovecotEnvironment> read();
};

}  // namespace mail::daemon
