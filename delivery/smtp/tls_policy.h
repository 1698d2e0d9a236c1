#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/config/postfix/settings.h"
#include "common/maps/tables.h"
#include "common/tls/options.h"
#include "delivery/smtp/destination.h"

namespace mail::smtpc {

/// How TLS is to be used, from main.cf.
class TlsPolicies {
 public:
  /// Errors: Config, a setting that cannot be understood.
  static Result<TlsPolicies> open(const config::Settings& settings,
                                  config::ClientMode mode,
                                  const maps::OpenOptions& tables);

  /// Whether any destination may use TLS.
  bool used() const { return default_ != tls::Level::None || !maps_.empty(); }
  /// The level without a policy table.
  tls::Level main_level() const { return default_; }

  /// What holds for one destination: smtp_tls_policy_maps, else main.cf.
  /// Errors: Temporary or Config; the texts are in the log already.
  net::Task<Result<tls::ClientPolicy>> find(const Destination& destination);

  /// "LEVEL name=value ..." of a policy table for `key`. Errors: Config with
  /// the text for a warning. Notes: harmless problems, appended.
  Result<tls::ClientPolicy> parse(std::string_view value, std::string_view key,
                                  std::vector<std::string>* notes) const;
  /// Everything that main.cf says for this level.
  tls::ClientPolicy at(tls::Level level) const;

 private:
  net::Task<maps::Answer> look_up(const Destination& destination,
                                  std::string* key);

  const config::Settings* s_ = nullptr;
  config::ClientMode mode_ = config::ClientMode::Smtp;
  tls::Level default_ = tls::Level::None;
  maps::Tables maps_;
};

}  // namespace mail::smtpc
