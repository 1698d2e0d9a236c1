#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "master/dovecot/spec.h"

namespace mail::dovecot {

/// The descriptors of a new process; -1: /dev/null, or none.
struct ChildFds {
  int log = -1;              ///< 2
  int anvil = -1;            ///< 3
  int notice = -1;           ///< 4
  int status = -1;           ///< 5
  int dead = -1;             ///< 6
  std::vector<int> sockets;  ///< 7...
};

/// What is the same for all children of one configuration.
struct Surroundings {
  std::string base_dir, hostname, config_file;
  std::vector<std::string> environment;  ///< import_environment, "NAME=value"
  std::string stats_socket;
  std::vector<std::string> log_settings;  ///< "LOG_PATH=syslog"...
};

/// Forks and executes. first: how many of `sockets` are pipes of the master's
/// own, without settings. Errors: Temporary, fork.
Result<pid_t> start_child(const Spec& spec, const ChildFds& fds, size_t first,
                          unsigned generation, const Surroundings& around);

}  // namespace mail::dovecot
