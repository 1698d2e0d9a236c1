#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/net/address.h"

namespace mail::dns {

/// resolv.conf(5). Unknown lines and options are ignored, as libc does.
struct ResolvConf {
  std::vector<net::Endpoint> servers;  ///< at most 3; 127.0.0.1 when none
  std::vector<std::string> search;     ///< at most 6
  unsigned ndots = 1;                  ///< at most 15
  unsigned timeout = 5;                ///< seconds a try, 1 to 30
  unsigned attempts = 2;               ///< rounds over all servers, 1 to 5
  bool rotate = false;
  bool use_tcp = false;  ///< use-vc
  bool trust_ad = false;

  friend bool operator==(const ResolvConf&, const ResolvConf&) = default;
};

/// Takes any text.
ResolvConf parse_resolv_conf(std::string_view text);

}  // namespace mail::dns
