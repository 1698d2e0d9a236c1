#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"

namespace mail::daemon {

/// A daemon's command line, as master(8) makes it.
struct Options {
  bool chroot = false;                    // -c
  bool stays_attached = false;            // -d
  bool unprivileged = false;              // -u
  bool alone = false;                     // -l: process limit 1
  bool unlimited = false;                 // -z: process limit 0
  bool standalone = false;                // -S
  bool to_stderr = false;                 // -V
  int verbose = 0;                        // -v
  std::string service;                    // -n
  std::string transport;                  // -t
  size_t sockets = 1;                     // -s
  std::string max_idle, max_use, retire;  // -i, -m, -r; empty: not given
  std::vector<std::string> overrides;     // -o, "name=value"
  std::vector<std::string> arguments;     // what follows
  /// Options that master(8) does not give, and that a daemon of its own may
  /// know (bounce -S -Vn dump_templates).
  std::string other;
};

/// Errors: Config "invalid option: X".
Result<Options> parse_options(int argc, char** argv);

}  // namespace mail::daemon
