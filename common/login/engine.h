#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mail::login {

/// What a connection may do, now: the driver tells the engine, and again when
/// TLS begins.
struct Offer {
  bool tls = false;       ///< is on
  bool starttls = false;  ///< may begin
  bool plaintext = true;  ///< passwords may be sent in clear
  bool trusted = false;   ///< login_trusted_networks
  /// Offered mechanisms in auth's order; without plaintext ones unless
  /// `plaintext`.
  std::vector<std::string> mechanisms;
  bool has_plain = true;  ///< auth_mechanisms has PLAIN
};

/// Events of an engine. What asks for an answer says so.
/// STARTTLS or STLS was accepted: send pending(), do the handshake,
/// tls_started().
struct StartTls {};
/// An authentication begins. Asks: challenge(), refuse(), or hand the client
/// on (handoff_prefix()).
struct Authenticate {
  std::string mechanism;               ///< upper case
  std::optional<std::string> initial;  ///< base64, checked by nobody
  bool by_command = false;             ///< LOGIN; USER and PASS; APOP
};
/// The client's answer to a challenge, base64. Asks as Authenticate does.
struct Response {
  std::string text;
};
/// "*": refused by the engine itself.
struct Aborted {};
/// A password was sent in clear though it must not; answered.
struct PlaintextRefused {};
/// IMAP's ID: answered. POP3's XCLIENT.
struct Identified {
  std::vector<std::pair<std::string, std::optional<std::string>>> fields;
};
/// The connection is over: send pending() and close. `reason` is for the log,
/// "Aborted login by logging out".
struct Closed {
  std::string reason;
};

using Event = std::variant<StartTls, Authenticate, Response, Aborted,
                           PlaintextRefused, Identified, Closed>;

/// Why an authentication did not succeed.
enum class Refusal : uint8_t {
  Failed,         ///< wrong name or password; `text` if auth has a reason
  Authorization,  ///< authz_fail
  Temporary,      ///< auth cannot tell; `text`: host and time
  PasswordExpired,
  UserDisabled,
  LoginDisabled,  ///< nologin
  InvalidBase64,
  InvalidInitial,  ///< of an initial response
  UnknownMechanism,
  PlaintextDisabled,  ///< a plaintext mechanism without TLS
  TlsRequired,        ///< ssl = required
  AnonymousDenied,
  Internal,  ///< the mail process failed; closes
  TooMany,   ///< mail_max_userip_connections; closes
};

/// The server's side of a conversation before its client is known: IMAP (RFC
/// 3501, not authenticated state) or POP3 (RFC 1939, authorization state).
///   Command --Authenticate--> Asked --challenge()--> Sasl --Response--> Asked
///   Asked --refuse()--> Command      Asked --handoff_prefix()--> (handed on)
///   Command --StartTls--> Tls --tls_started()--> Command
/// Parses lazily: nothing behind a command is looked at before its answer.
/// Owns its buffers: at most kInputLimit and one SASL line.
class Engine {
 public:
  /// A line without LF that is longer ends the connection, but for what SASL
  /// may take.
  static constexpr size_t kInputLimit = 1024;
  static constexpr size_t kSaslLimit = 8192;

  virtual ~Engine() = default;

  void set_offer(const Offer* offer) { offer_ = offer; }
  /// Copies from the front of `bytes` what there is room for (at least
  /// something after next_event() gave nullopt); returns how much.
  size_t receive(std::string_view bytes);
  /// nullopt: needs bytes, an answer, or tls_started().
  virtual std::optional<Event> next_event() = 0;

  virtual void greet() = 0;
  /// "Waiting for authentication process to respond.."
  virtual void say_waiting() = 0;
  virtual void challenge(std::string_view base64) = 0;
  virtual void refuse(Refusal why, std::string_view text) = 0;
  /// Closes with a reason for the client: "Disconnected for inactivity."
  virtual void say_bye(std::string_view reason) = 0;
  /// Input that came in clear before it is dropped.
  void tls_started();
  /// The client is known: the protocol's part of the hand-off, which unread()
  /// follows. Nothing is parsed any more.
  virtual std::string handoff_prefix() = 0;
  std::string_view unread() const {
    return std::string_view(input_).substr(consumed_);
  }

  std::string_view pending() const { return output_; }
  void sent(size_t n) { output_.erase(0, n); }

 protected:
  enum class State : uint8_t { Command, Asked, Sasl, Tls, Closed };

  const Offer& offer() const { return *offer_; }
  void say(std::string_view line) {
    output_ += line;
    output_ += "\r\n";
  }
  /// The next whole line without its end; nullopt: not yet there.
  std::optional<std::string_view> take_line();
  void consume(size_t n);
  size_t input_limit() const {
    return state_ == State::Sasl || long_line_ ? kSaslLimit + 2 : kInputLimit;
  }
  bool input_full() const { return unread().size() >= input_limit(); }
  Event close(std::string reason) {
    state_ = State::Closed;
    return Closed{std::move(reason)};
  }
  /// A line of the client's in state Sasl.
  std::optional<Event> next_response();
  virtual void say_aborted() = 0;

  State state_ = State::Command;
  bool long_line_ = false;  ///< of AUTHENTICATE with an initial response
  unsigned bad_commands_ = 0;

 private:
  const Offer* offer_ = nullptr;
  std::string input_, output_;
  size_t consumed_ = 0;
};

/// A PLAIN response (RFC 4616) in base64.
std::string plain_response(std::string_view user, std::string_view password);

}  // namespace mail::login
