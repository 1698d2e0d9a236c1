#pragma once

#include <string>
#include <vector>

#include "common/config/opendkim/conf.h"

namespace mail::opendkim_tools {

/// What is published under one key's name.
struct Published {
  std::vector<std::string> texts;  ///< TXT records, the strings of each joined
  bool secure = false;             ///< DNSSEC holds
  std::string problem;             ///< "": there are records
  std::vector<std::string> hints;  ///< where the record is instead, or when
};

/// Asks the name servers that the configuration names, or resolv.conf's. If
/// there is no record, it also looks where people put it by mistake.
Published look_up_key(const config::opendkim::Conf& conf,
                      const std::string& selector, const std::string& domain);

}  // namespace mail::opendkim_tools
