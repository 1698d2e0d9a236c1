#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/handle.h"

namespace mail::smtpc {

/// One next hop: "domain", "domain:port", "[host]", "[host]:port", for LMTP
/// also "inet:..." and "unix:path".
struct Destination {
  std::string text;  ///< as written: key of TLS policy and passwords
  std::string host;  ///< without brackets and "ipv6:"
  uint16_t port = 0;
  bool mx = true;    ///< not in brackets
  std::string path;  ///< not empty: a Unix socket
};

/// Errors: Config, "bad or unknown service ...".
Result<Destination> parse_destination(std::string_view text,
                                      std::string_view default_port,
                                      config::ClientMode mode);

/// Several, parted by blanks or commas, in order.
Result<std::vector<Destination>> parse_destinations(
    std::string_view list, std::string_view default_port,
    config::ClientMode mode);

}  // namespace mail::smtpc
