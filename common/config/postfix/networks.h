#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/load.h"

namespace mail::config {

/// This machine's addresses by inet_interfaces ("all", "loopback-only",
/// addresses, names) and inet_protocols ("all", "ipv4", "ipv6").
/// Errors: Config: an inet_interfaces name that is not known.
Result<std::vector<OwnAddress>> own_addresses(std::string_view inet_interfaces,
                                              std::string_view inet_protocols,
                                              const HostFacts& host);

/// The default of mynetworks by mynetworks_style: "host", "subnet", "class".
/// Errors: Config, an unknown style.
Result<std::string> default_networks(const std::vector<OwnAddress>& own,
                                     std::string_view style);

/// A valid host name (RFC 1123, underscores allowed).
bool is_host_name(std::string_view name);

}  // namespace mail::config
