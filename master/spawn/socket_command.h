#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/process/ids.h"

namespace mail::spawn {

struct SocketCommand {
  std::vector<std::string> argv, environment;
  std::optional<process::UserIds> ids;  ///< nullopt: as we are
  std::chrono::seconds time_limit{1000};
};

struct SocketCommandEnd {
  pid_t pid = 0;
  int status = 0, signal = 0;
  bool timed_out = false;  ///< and all its session was killed
};

/// Runs it with `socket` as its input, output and errors, and waits, blocking.
Result<SocketCommandEnd> run_on_socket(const SocketCommand& command,
                                       UniqueFd socket);

}  // namespace mail::spawn
