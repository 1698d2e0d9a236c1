#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/settings.h"

namespace mail::postfix_command {

/// The mail system that a command is about.
struct Site {
  std::shared_ptr<const config::Settings> settings;
  bool rootless = false;  ///< all is done as one ordinary user
  int verbose = 0;

  std::string command_directory() const;
  std::string daemon_directory() const;
  std::string config_directory() const;
  std::string queue_directory() const;
  std::string pid_file() const;
};

/// The process id in pid/master.pid, 0 when no master holds it locked.
/// Errors: the file cannot be asked.
Result<int> master_pid(const Site& site);

/// Runs a program to its end; its exit status (128 + signal), or errors.
Result<int> run_program(const std::vector<std::string>& arguments);
/// Becomes the program; returns only with an error.
Error become_program(const std::vector<std::string>& arguments);

}  // namespace mail::postfix_command
