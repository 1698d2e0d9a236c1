#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/net/condition.h"
#include "common/net/stream.h"
#include "common/net/task_set.h"

namespace mail::auth {

/// A SASL mechanism that the server offers, and what it says of it.
struct Mechanism {
  std::string name;
  bool plaintext = false, anonymous = false, dictionary = false, active = false,
       forward_secrecy = false, mutual_auth = false, is_private = false;
};

/// smtpd_sasl_security_options and its like: what a mechanism must not be
/// (noplaintext, noanonymous, nodictionary, noactive) or must have
/// (mutual_auth, forward_secrecy). Any separators.
struct SecurityOptions {
  bool no_plaintext = false, no_anonymous = false, no_dictionary = false,
       no_active = false, forward_secrecy = false, mutual_auth = false;
  /// Errors: Config, an unknown word.
  static Result<SecurityOptions> parse(std::string_view list);
  bool allow(const Mechanism& mechanism) const;
};

/// Who authenticates, as the server wants to know it.
struct Request {
  std::string mechanism, service;
  std::string local_ip, remote_ip;     ///< empty: not said
  bool secured = false;                ///< TLS
  std::optional<std::string> initial;  ///< base64
};

/// The server's word on an attempt.
struct Answer {
  enum class Kind { Continue, Ok, Fail } kind = Kind::Fail;
  std::string challenge;  ///< Continue: base64
  std::string user;       ///< Ok, Fail: user=, empty if not said
  std::string reason;     ///< Fail: reason=
};

/// The client's side of Dovecot's authentication protocol (version 1), over
/// one connection that all sessions of a process share. The server may be
/// absent: available() is false, and the connection is tried again by itself
/// (a second later at the earliest), so the order of starts does not matter.
class DovecotClient {
 public:
  /// path: "private/auth", or "inet:host:port" with a literal address.
  DovecotClient(std::string path, net::TaskSet& tasks);
  ~DovecotClient();

  /// Connects now if it is not connected, and waits for the mechanisms, 10 s
  /// at the most. Errors: Temporary, the text names socket, reason and remedy.
  net::Task<Result<>> connect();
  /// Of the connection that stands, in the server's order; empty without one.
  const std::vector<Mechanism>& mechanisms() const { return mechanisms_; }

  /// A new attempt; its number for go_on(). Errors: the connection broke.
  struct Started {
    unsigned id = 0;
    Answer answer;
  };
  net::Task<Result<Started>> start(Request request);
  net::Task<Result<Answer>> go_on(unsigned id, std::string response);

 private:
  net::Task<Result<>> open();
  net::Task<> read_answers();
  net::Task<Result<Answer>> wait_for(unsigned id);
  net::Task<Result<Answer>> exchange(unsigned id, std::string line);
  void take_line(std::string_view line);
  void take_handshake(std::string_view line);
  void broken();

  std::string path_;
  net::TaskSet& tasks_;
  net::Stream stream_;
  bool connecting_ = false, ready_ = false, greeted_ = false, writing_ = false;
  Instant not_before_{};
  std::string failure_;
  std::vector<Mechanism> mechanisms_, collecting_;
  unsigned next_id_ = 1;
  std::map<unsigned, std::optional<Answer>> waiting_;
  net::Condition changed_;
  unsigned generation_ = 0;
};

}  // namespace mail::auth
