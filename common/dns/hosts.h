#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/address.h"

namespace mail::dns {

/// hosts(5): names and addresses of this machine and its neighbours.
class Hosts {
 public:
  Hosts() = default;
  /// Takes any text; malformed lines are skipped.
  static Hosts parse(std::string_view text);

  /// All addresses of a name, in the file's order; any case.
  std::vector<net::IpAddress> addresses(std::string_view name) const;
  /// The first name on the address's first line.
  std::optional<std::string> name(const net::IpAddress& address) const;

 private:
  std::map<std::string, std::vector<net::IpAddress>, std::less<>> by_name_;
  std::map<net::IpAddress, std::string> by_address_;
};

}  // namespace mail::dns
