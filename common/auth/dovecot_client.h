#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/auth/channel.h"
#include "common/auth/pending.h"
#include "common/ipc/dovecot_auth.h"

namespace mail::auth {

using Mechanism = ipc::AuthMechanism;

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
struct Request : ipc::AuthInfo {
  std::string mechanism;
  std::optional<std::string> initial;  ///< base64
  /// "nologin": nobody will show a cookie for this attempt (Postfix says it).
  bool no_login = false;
};

/// The server's word on an attempt.
struct Answer {
  enum class Kind { Continue, Ok, Fail } kind = Kind::Fail;
  std::string challenge;           ///< Continue: base64
  std::string user;                ///< Ok, Fail: user=, empty if not said
  std::string reason;              ///< Fail: reason=
  std::string code;                ///< Fail: code=, "temp_fail" and so on
  ipc::TabFields fields;           ///< Ok, Fail: everything, those above too
  std::vector<std::string> words;  ///< the same as they came
};

/// The client's side of Dovecot's authentication protocol (version 1), over
/// one connection that all sessions of a process share (auth/channel.h).
/// smtpd asks so, and login processes, which hand the user on with
/// server_pid(), cookie() and the attempt's number.
class DovecotClient : public Channel {
 public:
  DovecotClient(std::string path, net::TaskSet& tasks)
      : Channel(std::move(path), tasks) {}

  /// Of the connection that stands, in the server's order; empty without one.
  const std::vector<Mechanism>& mechanisms() const { return mechanisms_; }
  const Mechanism* find_mechanism(std::string_view name) const;
  unsigned server_pid() const { return server_pid_; }    ///< SPID
  const std::string& cookie() const { return cookie_; }  ///< 32 hex digits

  /// A new attempt; its number for go_on(). Errors: the connection broke.
  struct Started {
    unsigned id = 0;
    Answer answer;
  };
  net::Task<Result<Started>> start(Request request);
  net::Task<Result<Answer>> go_on(unsigned id, std::string response);
  /// The attempt is given up; there is no answer.
  net::Task<> cancel(unsigned id);

 private:
  std::string greeting() const override;
  void begin_handshake() override;
  bool take_handshake(std::string_view line) override;
  void take_line(std::string_view line) override;
  void lost() override;
  net::Task<Result<Answer>> wait_for(unsigned id);
  net::Task<Result<Answer>> exchange(unsigned id, std::string line);

  std::vector<Mechanism> mechanisms_, collecting_;
  unsigned server_pid_ = 0;
  std::string cookie_;
  Pending<Answer> pending_;
};

}  // namespace mail::auth
