#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/net/address.h"

namespace mail::smtpd::restriction {

/// A block list as main.cf names it: DOMAIN or DOMAIN=FILTER, where FILTER is
/// an IPv4 address whose parts may be sets: 127.0.0.[1;3..7].
struct DnsblRule {
  std::string domain;
  /// What each of the four bytes may be; empty: any reply counts.
  std::vector<std::vector<uint8_t>> filter;
};

/// Errors: Config, a text for the log.
Result<DnsblRule> parse_dnsbl(std::string_view text);

bool filter_matches(const std::vector<std::vector<uint8_t>>& filter,
                    const net::IpAddress& address);

}  // namespace mail::smtpd::restriction
