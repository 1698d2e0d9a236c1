#pragma once

#include <string>

#include "common/net/stream.h"
#include "common/sasl/client.h"
#include "delivery/agent.h"
#include "delivery/smtp/parked.h"
#include "delivery/smtp/servers.h"

namespace mail::smtpc {

/// One connection to one server: greeting, EHLO, TLS, AUTH, then messages.
class Session {
 public:
  Session(Config& config, Server server);

  const Server& server() const { return server_; }
  smtp::ClientEngine& engine() { return engine_; }
  bool can(smtp::Capability capability) const {
    return engine_.capabilities().has(capability);
  }
  int reuse_count() const { return uses_; }
  bool encrypted() const { return tls_.has_value(); }

  using Outcome = std::optional<Problem>;  // nullopt: fine
  enum class Tls { AsPolicy, Plain };
  /// What it is opened for.
  struct Purpose {
    Destination destination;
    std::string sender, queue_id;
    double queued = 0;  ///< for how many seconds the message is here
    Tls tls = Tls::AsPolicy;
  };
  /// Connects and does everything that comes before MAIL.
  net::Task<Outcome> open(Purpose purpose);

  /// For scache(8): all that a later resume() needs. The session ends here,
  /// not its connection.
  struct Left {
    std::string property;
    UniqueFd fd;
  };
  Left park();
  /// Null: the property cannot be read, or the session is too old.
  static std::unique_ptr<Session> resume(Config& config,
                                         std::string_view property,
                                         UniqueFd fd);
  /// RSET: the server is still there and willing.
  net::Task<bool> probe();

  /// The peer is still there and has said nothing.
  bool usable() const;
  void used() { ++uses_; }
  bool authenticated() const { return authenticated_; }
  /// The time between content and final dot that an old firewall needs.
  std::chrono::seconds dot_delay() const { return dot_delay_; }
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
  /// Closes without a word. False, always.
  bool hang_up();

  /// "host H[A] said: REPLY (in reply to COMMAND)".
  Problem refused(const smtp::ClientReply& reply) const;

 private:
  net::Task<Outcome> connect();
  net::Task<Outcome> greet();
  net::Task<Outcome> work_around_pix();
  net::Task<Outcome> say_hello();
  Outcome hear_own_name() const;
  net::Task<Outcome> discard_keywords();
  net::Task<Outcome> secure();
  net::Task<Outcome> allow_wrapping();
  net::Task<Outcome> handshake(const tls::ClientPolicy& policy);
  net::Task<> keep_tls_session();
  // authenticate.cc
  net::Task<Outcome> authenticate();
  net::Task<Result<std::optional<std::string>>> password();
  net::Task<std::string> filter_mechanisms();
  std::string choose_mechanism(std::string_view offered) const;
  net::Task<Outcome> converse(std::string mechanism, sasl::Client& client,
                              smtp::ReceivedReply& refusal);
  Problem cannot_authenticate(std::string_view why) const;
  Problem softened(Problem out) const;
  void receive();
  Outcome lost(const Error& error);

  Config& config_;
  Server server_;
  Purpose purpose_;
  net::Stream stream_;
  smtp::ClientEngine engine_;
  std::optional<tls::Summary> tls_;
  std::optional<tls::ClientPolicy> wrapped_by_;  ///< SMTPS
  tls::Engine* tls_engine_ = nullptr;            ///< stream_ has it
  std::string tls_session_key_;  ///< empty: sessions are not kept
  std::string unfiltered_;  ///< the begin of a reply line, for reply filters
  bool greeted_as_esmtp_ = true;
  bool authenticated_ = false;
  bool broken_ = false;
  std::chrono::seconds dot_delay_{0};
  int uses_ = 0;
  Instant opened_at_{};
};

}  // namespace mail::smtpc
