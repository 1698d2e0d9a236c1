#pragma once

#include <memory>
#include <string>

#include "common/login/engine.h"
#include "common/login/log_lines.h"
#include "common/login/shared.h"
#include "common/net/address.h"
#include "common/net/stream.h"
#include "common/net/task.h"

namespace mail::login {

/// One connection from its first byte until it is handed on or ends: TLS, the
/// protocol's engine, questions to auth and anvil, the hand-off. With TLS it
/// stays and relays.
class Client {
 public:
  Client(Shared& shared, net::Stream stream, bool implicit_tls);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  ~Client();

  net::Task<> serve();
  /// Ends it, for newer ones want its place.
  void drop();

 private:
  enum class Next : uint8_t { Go, Closed, HandedOn };

  void learn_addresses();
  void renew_offer();
  bool secured() const { return tls_ || trusted_ || local_; }
  net::Task<bool> begin_tls();
  void tls_failed(const Error& error);
  net::Task<bool> wait_for_auth();
  net::Task<Next> converse();
  net::Task<Next> on(Event event);
  net::Task<Next> authenticate(Authenticate request);
  net::Task<Next> respond(std::string response);
  net::Task<Next> judge(auth::Answer answer);
  net::Task<Next> succeed(auth::Answer answer);
  net::Task<Next> hand_over(std::string socket);
  net::Task<bool> too_many();
  Next fail(const auth::Answer& answer);
  void refuse_mechanism(Refusal why, Attempts::Failure failure);
  void identify(const Identified& identified);
  net::Task<bool> flush();

  LogFacts facts() const;
  std::string line(std::string_view message) const;
  void log_disconnect(std::string_view reason, bool with_attempts = true);

  Shared& shared_;
  net::Stream stream_, mail_;  // mail_: the mail process, while relaying
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<const Offer> offer_;
  net::Endpoint local_end_, remote_end_;
  std::string session_, user_, mechanism_, local_name_;
  std::string tls_text_, tls_error_;
  Attempts attempts_;
  std::list<Client*>::iterator place_;  // in shared_.waiting
  net::Deadline deadline_;
  unsigned auth_id_ = 0;
  long mail_pid_ = 0;
  bool implicit_tls_, tls_ = false, trusted_ = false, local_ = false;
  bool handshaking_ = false, responded_ = false, identified_ = false;
  bool dropped_ = false, waiting_ = true;
};

}  // namespace mail::login
