#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/net/address.h"

namespace mail::maps {

/// "192.0.2.0/24", "192.0.2.1", "[2001:db8::]/32", "2001:db8::/32".
struct Network {
  net::IpAddress address;
  unsigned bits = 0;

  /// Errors: Config: `bad address pattern: "X"`, `bad mask value in "X"`,
  /// `bad mask length in "X"`, `non-null host address bits in "X", perhaps you
  /// should use "Y" instead`.
  static Result<Network> parse(std::string_view text);
  bool contains(const net::IpAddress& other) const {
    return other.in_network(address, bits);
  }
};

}  // namespace mail::maps
