#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "delivery/request.h"

namespace mail::pipe {

/// What the service's master.cf line says.
struct Options {
  bool blank_line = false;       // B
  bool delivered_to = false;     // D
  bool from_line = false;        // F
  bool original_to = false;      // O
  bool return_path = false;      // R
  bool final_delivery = false;   // X
  bool stuff_dots = false;       // .
  bool quote_from = false;       // >
  bool fold_domain = false;      // h
  bool fold_user = false;        // u
  bool quote_addresses = false;  // q
  std::string user;              ///< name or name:group
  std::string directory, root, newline = "\n", null_sender = "MAILER-DAEMON";
  long size_limit = 0;  ///< 0: none
  std::vector<std::string> argv;
};

/// Reads "flags=... user=... argv=...". Errors: Config.
Result<Options> parse_options(const std::vector<std::string>& arguments);

/// argv for a request: one that names a recipient's part is repeated for each
/// of the recipients.
Result<std::vector<std::string>> expand_argv(const Options& options,
                                             const delivery::Request& request,
                                             std::string_view delimiters);

/// The sender as the command sees it, in internal form.
const std::string& shown_sender(const Options& options,
                                const delivery::Request& request);

}  // namespace mail::pipe
