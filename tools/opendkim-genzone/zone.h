#pragma once

#include <string>
#include <vector>

#include "tools/opendkim/common.h"

namespace mail::opendkim_tools {

struct ZoneStyle {
  std::string domain;       ///< "": all
  bool subdomains = false;  ///< of domain too
  bool suffix = false;      ///< names end in "._domainkey"
  bool full = false;        ///< names end in "._domainkey.example.com."
  bool email_only = false;  ///< s=email
  bool nsupdate = false;    ///< nsupdate(1)'s commands
  bool soa = false;
  std::string name_servers, contact;
  long ttl = -1, default_ttl = 600;  ///< seconds; -1: none written
  long refresh = 10800, retry = 1800, expire = 604800;
};

/// The zone data. skipped: "record 1 for 'k2' skipped", for the keys of other
/// domains. Errors: Config, a key that cannot be read.
Result<std::string> zone_text(const ZoneStyle& style,
                              const std::vector<KeyPlace>& keys,
                              std::vector<std::string>& skipped);

}  // namespace mail::opendkim_tools
