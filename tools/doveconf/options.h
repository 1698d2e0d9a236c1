#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/dovecot/configuration.h"

namespace mail::doveconf {

enum class Scope {
  All,
  NotDefault,  ///< -n
  Set,         ///< -N: what the file sets, even to its default
};

/// The command line of doveconf(1).
struct Options {
  std::string path;
  Scope scope = Scope::All;
  bool defaults = false;              ///< -d: no file is read
  bool simple = false;                ///< -S: key=value lines
  bool secrets = false;               ///< -P
  bool hidden = false;                ///< -s: rarely wanted settings too
  bool expand = false;                ///< -x: $name and <file
  bool only_value = false;            ///< -h
  std::vector<std::string> modules;   ///< -m
  config::dovecot::Context context;   ///< -f
  std::vector<std::string> settings;  ///< only these (names or section paths)
  std::vector<std::string> command;   ///< -e: to run with the settings
  std::string host_hash;              ///< -H
};

/// Errors: Config, "invalid option ..." or "Unknown filter argument: x=y".
Result<Options> parse_options(int argc, char** argv);

}  // namespace mail::doveconf
