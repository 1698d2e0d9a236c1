#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/maps/proxy.h"

namespace mail::smtpc {

/// Logins that servers have refused (smtp_sasl_auth_cache_name, postconf(5)):
/// with the same password they are not tried again for a while. A table
/// behind proxywrite, so that all processes have the same:
///   HOST;USER -> TIME;base64(SHA-1(PASSWORD));DSN;REPLY
class LoginCache {
 public:
  struct Login {
    std::string host, user, password;
  };
  struct Refusal {
    std::string dsn, reply;
  };

  /// table: without its "proxy:".
  LoginCache(std::shared_ptr<maps::ProxyClient> writer, std::string table,
             std::chrono::seconds lifetime)
      : writer_(std::move(writer)),
        table_(std::move(table)),
        lifetime_(lifetime) {}

  /// A table that fails knows nothing, with a warning.
  net::Task<std::optional<Refusal>> find(Login login, WallTime now);
  net::Task<> save(Login login, Refusal refusal, WallTime now);

  static std::string key(const Login& login);
  static std::string value(const Login& login, const Refusal& refusal,
                           WallTime now);
  /// nullopt: of another password, too old, or malformed.
  static std::optional<Refusal> parse(std::string_view value,
                                      const Login& login, WallTime now,
                                      std::chrono::seconds lifetime);

 private:
  std::shared_ptr<maps::ProxyClient> writer_;
  std::string table_;
  std::chrono::seconds lifetime_;
};

}  // namespace mail::smtpc
