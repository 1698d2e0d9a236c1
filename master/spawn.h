#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/base/result.h"

namespace mail::master {

/// A child to be: descriptors[i] becomes its descriptor 3 + i (flow pipe read
/// and write end, status channel, listening sockets).
struct Birth {
  std::string program;
  std::vector<std::string> arguments;
  unsigned generation = 0;
  std::vector<int> descriptors;  ///< all above what they become
};

/// fork and exec, with default signals and our environment plus
/// GENERATION=octal. Returns the pid. If exec fails the child logs it and
/// exits with status 1. Errors: "fork", with errno.
Result<pid_t> spawn(const Birth& birth);

}  // namespace mail::master
