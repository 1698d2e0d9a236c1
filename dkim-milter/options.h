#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mail::dkim_milter {

/// opendkim's command line (opendkim(8)).
struct Options {
  enum class Mode { Run, Check, Query, Test, Version, Show };
  Mode mode = Mode::Run;
  std::string conf_file;              ///< -x; "": the usual one, if it is there
  std::string show;                   ///< -e NAME
  std::string test_files;             ///< -t, comma separated
  std::optional<int64_t> fixed_time;  ///< -F
  int verbosity = 0;
  /// Settings that the command line overrides: name, value.
  std::vector<std::pair<std::string, std::string>> settings;
  std::string arguments;  ///< all, for the log line at the start
};

/// nullopt: usage was wrong and has been told on standard error; exit with
/// `status`.
std::optional<Options> parse_options(int argc, char** argv, int& status);

}  // namespace mail::dkim_milter
