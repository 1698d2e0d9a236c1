#pragma once

#include <string>

#include "common/net/stream.h"
#include "delivery/agent.h"
#include "delivery/smtp/servers.h"

namespace mail::smtpc {

/// One connection to one server: greeting, EHLO, TLS, AUTH, then messages.
class Session {
 public:
  Session(Config& config, Server server);

  const Server& server() const { return server_; }
  smtp::ClientEngine& engine() { return engine_; }
  int reuse_count() const { return uses_; }
  bool encrypted() const { return tls_.has_value(); }

  using Outcome = std::optional<Problem>;  // nullopt: fine
  /// Connects and does everything that comes before MAIL. plain: no TLS.
  enum class Tls { AsPolicy, Plain };
  net::Task<Outcome> open(Destination destination, std::string sender,
                          std::string queue_id, Tls tls);
  /// The peer is still there and has said nothing.
  bool usable() const;
  void used() { ++uses_; }
  Instant opened_at() const { return opened_at_; }

  /// The next reply; sends what is pending first. The error side is a
  /// connection that broke, with the text for the log.
  struct Answer {
    smtp::ClientReply reply;
    Outcome broken;
  };
  net::Task<Answer> reply(std::chrono::seconds timeout);
  /// Sends what is pending. Errors as reply().
  net::Task<Outcome> flush(std::chrono::seconds timeout);
  /// QUIT, without waiting for long.
  net::Task<> quit();
  bool broken() const { return broken_; }

  /// "host H[A] said: REPLY (in reply to COMMAND)".
  Problem refused(const smtp::ClientReply& reply) const;

 private:
  net::Task<Outcome> connect();
  net::Task<Outcome> greet();
  net::Task<Outcome> say_hello();
  net::Task<Outcome> secure(const Destination& destination,
                            const std::string& queue_id, Tls tls);
  net::Task<Outcome> handshake(const tls::ClientPolicy& policy,
                               const Destination& destination,
                               const std::string& queue_id);
  net::Task<Outcome> authenticate(const Destination& destination,
                                  const std::string& sender);
  net::Task<Result<std::optional<std::string>>> password(
      const Destination& destination, const std::string& sender);
  Outcome lost(const Error& error);

  Config& config_;
  Server server_;
  net::Stream stream_;
  smtp::ClientEngine engine_;
  std::optional<tls::Summary> tls_;
  bool broken_ = false;
  int uses_ = 0;
  Instant opened_at_{};
};

}  // namespace mail::smtpc
