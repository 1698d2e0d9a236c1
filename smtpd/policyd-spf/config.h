#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/spf/address.h"

namespace mail::policyd_spf {

/// Addresses with how many of their bits count.
using Networks = std::vector<std::pair<spf::Address, int>>;

/// policyd-spf.conf(5), as Debian's postfix-policyd-spf-python reads it.
struct Config {
  int debug_level = 1;
  bool rejects = true;  ///< TestOnly = 0 is false
  std::string helo_reject = "Fail";
  std::string mail_from_reject = "Fail";
  bool perm_error_reject = false;
  bool temp_error_defer = false;
  Networks skip_addresses;
  bool enhanced_status_codes = true;
  std::string header_type = "SPF";
  bool hide_receiver = false;
  std::string authserv_id;  ///< empty: the host's name
  int lookup_time = 20;     ///< seconds
  int whitelist_lookup_time = 10;
  int void_limit = 2;
  std::string reason_message =
      "Message {rejectdefer} due to: {spf}. Please see {url}";
  bool no_mail = false;
  Networks whitelist;
  std::vector<std::string> domain_whitelist;
  std::vector<std::string> helo_whitelist;
  std::vector<std::string> domain_whitelist_ptr;
  std::vector<std::string> reject_not_pass_domains;
  std::string mail_from_pass_restriction;
  std::string helo_pass_restriction;
  std::string prospective;
  bool mock = false;
  std::string per_user;  ///< the path of the users' file
};

struct LoadedConfig {
  Config config;
  std::vector<std::string> lines;  ///< for the log: what is wrong
};

/// Never fails: what cannot be read has its default, and a line says so.
/// name: of the file, for the lines.
LoadedConfig parse_config(std::string_view text, std::string_view name);

struct LoadedUsers {
  std::map<std::string, Config> users;  ///< by address, in lower case
  std::vector<std::string> lines;
};

/// policyd-spf.peruser(5): "ADDRESS,NAME=VALUE|NAME=VALUE" lines, over what
/// `base` has. Never fails, as parse_config.
LoadedUsers parse_users(std::string_view text, std::string_view name,
                        const Config& base);

}  // namespace mail::policyd_spf
