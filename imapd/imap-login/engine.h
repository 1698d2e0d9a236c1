#pragma once

#include <string>

#include "common/imap/arg.h"
#include "common/login/engine.h"

namespace mail::imap_login {

/// What imap-login says of itself.
struct Texts {
  std::string greeting = "Dovecot ready.";  ///< login_greeting
  /// imap_capability: the words before STARTTLS, LOGINDISABLED, AUTH=.
  std::string capability =
      "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+";
  std::string id = "(\"name\" \"Dovecot\")";  ///< imap_id_send, or NIL
};

/// IMAP before login (RFC 3501, 2971, 4959), with Dovecot's replies.
class Engine : public login::Engine {
 public:
  explicit Engine(const Texts& texts) : texts_(texts) {}

  std::optional<login::Event> next_event() override;
  void greet() override;
  void say_waiting() override;
  void challenge(std::string_view base64) override;
  void refuse(login::Refusal why, std::string_view text) override;
  void say_bye(std::string_view reason) override;
  std::string handoff_prefix() override;

 private:
  std::string capability() const;
  /// "a BAD text" and so on, of the command at hand.
  void reply(std::string_view rest);
  void say_aborted() override;
  std::optional<login::Event> next_command();
  std::optional<login::Event> run(std::string_view name);
  std::optional<login::Event> bad_command();
  std::optional<login::Event> input_is_full();
  std::optional<login::Event> with_arguments(std::string_view name);
  std::optional<login::Event> login_with(const imap::Args& args);
  std::optional<login::Event> identify(const imap::Args& args);
  std::optional<login::Event> authenticate();
  std::optional<login::Event> starttls();

  const Texts& texts_;
  std::string tag_;  // of the command being read
  bool in_command_ = false;
  bool asked_capability_ = false;
  size_t continued_ = 0;  // literals for which "+ OK" was said
};

}  // namespace mail::imap_login
