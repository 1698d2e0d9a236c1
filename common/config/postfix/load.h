#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/settings.h"

namespace mail::config {

/// A whole file. Errors: as read_file() of base/file.h.
using FileReader = std::function<Result<std::string>(const std::string& path)>;
/// One text for the log, without "warning: ".
using WarningSink = std::function<void(std::string_view text)>;

/// One address of this machine.
struct OwnAddress {
  std::string address;  ///< "192.0.2.1", "2001:db8::1"
  int prefix = 0;       ///< length of its network's prefix
};

/// What the parser must know of the world. common/process/host_facts.h makes
/// the real ones; tests make their own.
struct HostFacts {
  struct Ids {
    unsigned uid = 0, gid = 0;
  };
  std::string host_name;  ///< gethostname(2)
  /// Interfaces that are up; asked only when mynetworks is not set.
  std::function<std::vector<OwnAddress>()> interfaces;
  /// A name in inet_interfaces that is no address. May be empty: no lookups.
  std::function<std::vector<std::string>(const std::string& name)> resolve;
  std::function<std::optional<Ids>(const std::string& user)> user;
  std::function<std::optional<unsigned>(const std::string& group)> group;
};

using NameValue = std::pair<std::string, std::string>;

struct LoadArgs {
  std::string config_directory = "/etc/postfix";
  std::vector<NameValue> overrides;  ///< -o, in order; see parse_override()
  std::string process_name;          ///< as "smtpd": whose parameters must be
                                     ///< valid, and $process_name
  std::string service_name;          ///< master.cf's; empty: process_name
  long process_id = 0;
  HostFacts host;
  FileReader read;
  WarningSink warn;  ///< may be empty
  /// default_privs, mail_owner, setgid_group must exist and differ. Not in
  /// rootless mode, where all is done as one user.
  bool check_accounts = true;
};

/// Reads main.cf and evaluates every parameter.
/// Errors: Config, with the original's text for the log after "fatal: ". A
/// bad value of a parameter that process_name does not read is no error; it
/// counts as the default.
Result<SettingsPtr> load(const LoadArgs& args);

/// "name=value" or "name = value" of -o.
/// Errors: Config: "missing '=' after attribute name", "missing attribute
/// name"; the caller puts `invalid "-o X" option value: ` or its like before.
Result<NameValue> parse_override(std::string_view text);

}  // namespace mail::config
