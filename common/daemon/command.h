#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/settings.h"

namespace mail::daemon {

/// What every command of Postfix does first: standard descriptors open, umask,
/// messages `PROGRAM: warning: text` to standard error and to the mail log
/// (ident postfix/PROGRAM), MAIL_CONFIG and -c.
struct Command {
  std::string_view name;  ///< "postmap"; the ident of its log lines
  /// Exit status of fatal errors (69 postqueue, 75 sendmail, 1 others).
  int fatal_status = 1;
  /// Standard error only when it is a terminal (postfix, postlog, postmulti).
  bool quiet_unless_terminal = false;
  /// Set-gid: environment cleaned, configuration directory checked.
  bool privileged = false;
};

/// Before the options are read.
void begin_command(const Command& command);
/// Sets MAIL_CONFIG for this process and its children (-c DIR).
void use_config_directory(const std::string& directory);
/// MAIL_CONFIG or /etc/postfix.
std::string config_directory();
/// Loads main.cf (with "name=value" overrides) and points the log at what it
/// says. Errors end the process: `fatal: ...`.
std::shared_ptr<const config::Settings> load_settings(
    const Command& command, const std::vector<std::string>& overrides = {});

/// One line to standard error and the log, in Postfix's form.
void info(std::string_view text);
void warning(std::string_view text);
void error(std::string_view text);
/// Ends the process with the command's status.
[[noreturn]] void fatal(std::string_view text);

}  // namespace mail::daemon
