#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/tls/engine.h"
#include "common/tls/options.h"
#include "common/tls/ticket_keys.h"

namespace mail::tls {

/// A server's certificates, ciphers and keys; one a process. Open it before
/// chroot and the change of ids; it then follows renewed certificate files.
class ServerContext {
 public:
  /// For a name asked by SNI, and then for its parents as ".example.org": a key
  /// and its chain in PEM (tls_server_sni_maps, already base64-decoded).
  /// Error: the table failed; the default certificate is used.
  using SniLookup = std::function<Result<std::optional<std::string>>(
      const std::string& name)>;

  /// A missing, unreadable, mismatched or expired certificate is no error, but
  /// available() is false and problems() says why.
  /// Errors: Config, a setting that cannot be understood.
  static Result<std::unique_ptr<ServerContext>> open(ServerOptions options);
  /// The same with texts in place of options.certificates, for who gets them
  /// from elsewhere; replace() takes new ones into use, or keeps what is in use
  /// and problems() says why.
  struct PemPair {
    std::string certificate;  ///< and its chain
    std::string key;
  };
  static Result<std::unique_ptr<ServerContext>> open(
      ServerOptions options, const std::vector<PemPair>& pairs);
  void replace(const std::vector<PemPair>& pairs);
  ~ServerContext();

  /// There is a certificate that clients can be shown (or none is wanted:
  /// "none" as certificate file, anonymous ciphers only).
  bool available() const;
  /// Texts for warnings that nobody has taken yet: each names path, reason and
  /// remedy.
  std::vector<std::string> problems();

  /// Looks whether certificate files have changed, once a second at the most,
  /// and then uses them for new connections. A broken or mismatched pair keeps
  /// what is in use, and problems() says so. Call it for each new client.
  void refresh(Instant now);
  /// New certificates lie there, but we may no longer read the key: a process
  /// started anew could. Serve on, then end when idle.
  bool wants_restart() const;
  /// When the certificate in use (the first that does) expires.
  std::optional<WallTime> expires() const;

  /// Errors: Config, not available().
  Result<std::unique_ptr<Engine>> new_engine() const;

  void set_sni_lookup(SniLookup lookup);
  /// Keys of session tickets; a process-local one is made when there is none.
  TicketKeys& ticket_keys();

 private:
  struct State;
  explicit ServerContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mail::tls
