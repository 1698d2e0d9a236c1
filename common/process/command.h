#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/process/ids.h"

namespace mail::process {

/// An external command that reads a message and says how it went.
struct Command {
  std::vector<std::string> argv;         ///< argv[0] is sought in PATH
  std::vector<std::string> environment;  ///< "NAME=value", nothing else
  std::string directory, root;           ///< chdir, chroot; empty: stay
  std::optional<UserIds> ids;            ///< for good; nullopt: as we are
  std::chrono::seconds time_limit{1000};
  int no_such_command = 127;    ///< exit status when argv[0] cannot be run
  size_t output_limit = 10240;  ///< of what is kept; the rest is read away
};

struct CommandEnd {
  int status = 0;  ///< exit status, if signal is 0
  int signal = 0;  ///< it was killed by
  bool timed_out = false;
  std::string output;  ///< standard output and error
};

/// Appends more input to `out`; false: that was the last.
using CommandInput = std::function<Result<bool>(std::string& out)>;

/// Runs it in a session of its own and waits, blocking: for processes that
/// serve one client. A command that does not read all its input is no error.
/// At the time limit all its session is killed. SIGPIPE must be ignored.
/// Errors: of `input` (the command is killed), of fork and pipes.
Result<CommandEnd> run_command(const Command& command,
                               const CommandInput& input);

/// `text` as /bin/sh would run it, without the shell where none is needed:
/// split at blanks unless it has meta characters or begins with a built-in.
std::vector<std::string> shell_words(const std::string& text);

}  // namespace mail::process
