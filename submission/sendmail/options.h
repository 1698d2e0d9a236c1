#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace mail::sendmail {

enum class Mode {
  Deliver,
  Verify,
  ListQueue,
  NewAliases,
  Smtp,
  Daemon,
  FlushQueue,
  FlushSite,
  FlushId,
  Ignore
};

/// The command line of sendmail(1), mailq(1) and newaliases(1).
struct Options {
  Mode mode = Mode::Deliver;
  std::optional<std::string> sender;  ///< -f, -r
  std::string full_name;              ///< -F
  bool extract = false;               ///< -t
  bool dot_ends = true;               ///< -i, -oi: a lone dot does not
  std::string encoding;               ///< -B: 7bit, 8bit
  bool relay = false;                 ///< -G
  int notify = 0;                     ///< -N: 1 never, 2, 4, 8
  int ret = 0;                        ///< -R: 1 full, 2 hdrs
  std::string envelope_id;            ///< -V
  std::string verp;                   ///< -V, -XV: its two delimiters
  bool use_verp = false;
  std::string flush_what;        ///< -qRsite, -qIid
  std::string alias_table;       ///< -oA
  std::string config_directory;  ///< -C
  int verbose = 0;               ///< -v
  std::vector<std::string> recipients;
  std::vector<std::string> warnings;
};

/// Errors: Config, the text of a fatal message.
Result<Options> parse_options(int argc, char** argv);

}  // namespace mail::sendmail
