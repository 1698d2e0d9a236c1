#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace mail::process {

/// A program that talks with us by its standard input and output.
struct SocketChild {
  UniqueFd socket;  ///< our end, blocking
  pid_t pid = 0;    ///< to be waited for
};

/// Runs `path` with argv (argv[0] too), our environment and our rights.
/// Errors: "socketpair", "execute PATH".
Result<SocketChild> start_on_socket(const std::string& path,
                                    std::vector<std::string> argv);

}  // namespace mail::process
