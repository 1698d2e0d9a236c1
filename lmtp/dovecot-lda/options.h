#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace mail::lda {

/// What dovecot-lda's command line says.
struct Options {
  std::string config = "/etc/dovecot/dovecot.conf";  ///< -c
  std::optional<std::string> user;                   ///< -d
  std::string mailbox;                               ///< -m, UTF-8
  std::string path;               ///< -p; empty: standard input
  std::string sender;             ///< -f, without brackets
  std::string original_address;   ///< -a
  std::string final_address;      ///< -r
  bool stderr_rejection = false;  ///< -e
  std::vector<std::pair<std::string, std::string>> settings;  ///< -o
};

extern const char* const kUsage;

/// Errors: Config; `what` is for standard error, in front of the usage.
Result<Options> parse_options(int argc, char** argv);

}  // namespace mail::lda
