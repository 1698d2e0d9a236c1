#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace mail::authd {

/// One passdb {} or userdb {}.
struct DatabaseSettings {
  std::string driver, args, default_fields, override_fields, name;
  std::string mechanisms, username_filter;
  std::string skip = "never";
  std::string result_success = "return-ok", result_failure = "continue",
              result_internalfail = "continue";
  std::string verbose = "default";  ///< auth_verbose: default, yes, no
  bool deny = false, master = false, pass = false;

  friend bool operator==(const DatabaseSettings&,
                         const DatabaseSettings&) = default;
};

/// What auth reads for one protocol.
struct Settings {
  std::vector<std::string> mechanisms;  ///< upper case, in order
  std::vector<std::string> realms;
  std::string default_realm, username_chars, username_translation,
      username_format, master_separator, anonymous_username;
  bool verbose = false, debug = false, debug_passwords = false;
  std::string verbose_passwords = "no";  ///< no, plain, sha1, with ":LENGTH"
  std::chrono::seconds failure_delay{2}, cache_ttl{3600},
      cache_negative_ttl{3600};
  size_t cache_size = 0;
  bool require_client_cert = false, username_from_cert = false;
  unsigned worker_max = 30;
  std::vector<DatabaseSettings> passdbs, userdbs;
  unsigned first_valid_uid = 500, last_valid_uid = 0;  ///< of lists
  std::string base_dir, hostname;

  friend bool operator==(const Settings&, const Settings&) = default;
};

}  // namespace mail::authd
