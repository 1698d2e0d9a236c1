#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace mail::dovecot {

enum class Command {
  Run,
  Stop,
  Reload,
  Doveconf,  ///< -n, -a
  Doveadm,   ///< another word: doveadm knows it
  Version,
  BuildOptions,
  HostDomain,
  Help,
};

/// The command line of dovecot(1).
struct Options {
  Command command = Command::Run;
  std::string config_path = "/etc/dovecot/dovecot.conf";
  bool foreground = false;
  std::string doveconf_option;
  std::vector<std::string> words;  ///< for doveadm
};

extern const std::string_view kUsage, kBuildOptions;

/// Errors: Config, "Unknown argument: --x".
Result<Options> parse_options(int argc, char** argv);

void write_stdout(std::string_view text);

}  // namespace mail::dovecot
