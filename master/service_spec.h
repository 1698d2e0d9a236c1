#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/load.h"
#include "common/config/postfix/master_cf.h"
#include "common/config/postfix/settings.h"
#include "common/net/address.h"

namespace mail::master {

/// One line of master.cf, as far as it matters to who runs it.
struct ServiceSpec {
  config::MasterService line;
  /// "inet/smtp": what makes two lines the same service.
  std::string key;
  /// "private/rewrite"; for inet the name as in master.cf.
  std::string socket;
  /// Where an inet service listens, one socket each.
  std::vector<net::Endpoint> addresses;
  /// Strangers cannot reach it: there is no stress to tell of.
  bool local_only = true;
  std::string program;  ///< its path

  bool is_inet() const { return line.type == config::ServiceType::Inet; }
};

/// The services of master.cf's text that are to run: without those that
/// master_service_disable names; of duplicates the last one.
/// Errors: Config, in master(8)'s words.
Result<std::vector<ServiceSpec>> plan_services(std::string_view text,
                                               std::string_view path,
                                               const config::Settings& settings,
                                               const config::HostFacts& host,
                                               const config::WarningSink& warn);

}  // namespace mail::master
