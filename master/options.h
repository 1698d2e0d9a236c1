#pragma once

#include <string>

#include "common/base/result.h"

namespace mail::master {

/// master(8)'s command line.
struct Options {
  std::string config_directory;  // -c
  bool attached = false;         // -d: keeps stdio, no setsid
  long exit_after = 0;           // -e seconds; 0: never
  bool init = false;             // -i: process 1 of a container
  bool keep_stdout = false;      // -s
  bool test_lock = false;        // -t
  int verbose = 0;               // -v
  bool wait = false;             // -w
};

/// Errors: Config, `usage: ...` or what does not go together.
Result<Options> parse_options(int argc, char** argv);

}  // namespace mail::master
