#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/tls/engine.h"
#include "common/tls/options.h"

namespace mail::tls {

/// A client's certificate authorities and own certificates; one a process,
/// opened before chroot and the change of ids. Changed files are followed.
class ClientContext {
 public:
  /// Errors: Config, a setting or file that cannot be used; names it.
  static Result<std::unique_ptr<ClientContext>> open(ClientOptions options);
  ~ClientContext();

  /// As ServerContext's.
  void refresh(Instant now);
  std::vector<std::string> problems();

  /// An engine for one connection; it judges the server by `policy`. After the
  /// handshake, summary().matched must be asked at fingerprint and above.
  /// session: of take_session() with the same names and policy, or "".
  /// Errors: Config, protocols, ciphers or match cannot be understood, or the
  /// level is dane, dane-only or none.
  Result<std::unique_ptr<Engine>> new_engine(const ClientPolicy& policy,
                                             const ServerNames& names,
                                             std::string_view session) const;

 private:
  struct State;
  explicit ClientContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Something in a session's cache key that differs whenever a session must not
/// be resumed: a digest over everything of the policy that matters.
std::string session_key_part(const ClientPolicy& policy,
                             const ServerNames& names);

}  // namespace mail::tls
