#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/load.h"

namespace mail::postconf {

/// The command line of postconf(1), checked for contradictions.
struct Options {
  std::string letters;                       ///< each option once, of kLetters
  std::string config_directory;              ///< -c; empty: not given
  std::vector<config::NameValue> overrides;  ///< -o
  bool builtin = true, service = true, user = true;  ///< -C
  std::string tls_mode;                              ///< -T
  std::vector<std::string> args;

  bool has(char letter) const {
    return letters.find(letter) != std::string::npos;
  }
  /// Whether main.cf or master.cf is to be changed.
  bool edits() const { return has('e') || has('X') || has('#'); }
};

/// Errors: Config: the text after "fatal: ". `invalid` is told of an option
/// that does not exist, as getopt(3) words it, before the usage comes back.
Result<Options> parse_options(int argc, char** argv, std::string& invalid);

inline Failure bad(std::string text) {
  return fail(Fault::Config, std::move(text));
}

}  // namespace mail::postconf
