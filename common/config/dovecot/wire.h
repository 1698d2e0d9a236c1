#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/dovecot/configuration.h"
#include "common/config/dovecot/filter.h"
#include "common/config/dovecot/settings.h"

namespace mail::config::dovecot {

// The config service's conversation, version 2.0 (observed on 2.3.19.1):
//   C: VERSION\tconfig\t2\t0
//   C: REQ\tmodule=imap\tmodule=ssl\tservice=imap\tlip=..\trip=..\tlname=..
//   S: service-uses-local\tused-local\t            the filters' part in it
//   S: mail_location=maildir:~/Maildir             each value; LF in it is 0x03
//   S:                                             an empty line ends
//   C: FILTERS
//   S: FILTER\tservice=..\tlocal-name=..\tlocal-net=..\tremote-net=..
//   S:
// After an error: "\nERROR text\n".
inline constexpr std::string_view kConfigGreeting = "VERSION\tconfig\t2\t0\n";

struct ConfigRequest {
  Context context;
  std::vector<std::string> modules;  ///< whose settings; empty: all
  std::vector<std::string> exclude;  ///< settings left out
};
std::string write_request(const ConfigRequest& request);
/// line: "REQ\t..." without LF; unknown parts are left out.
ConfigRequest parse_request(std::string_view line);

/// What the filters of a configuration have to do with a request.
std::string reply_flags(const std::vector<Filter>& filters,
                        const Context& context);
std::string write_reply(std::string_view flags, const FlatSettings& values);
std::string write_filters(const std::vector<Filter>& filters);

/// A whole reply in front of `bytes`, which is taken off; nullopt: more bytes
/// are needed. Errors: Config, "ERROR text"; Protocol.
std::optional<Result<FlatSettings>> take_reply(std::string_view& bytes);
std::optional<Result<std::vector<Filter>>> take_filters(
    std::string_view& bytes);

}  // namespace mail::config::dovecot
