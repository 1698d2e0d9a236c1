#pragma once

#include <string>

#include "common/login/engine.h"

namespace mail::pop3_login {

/// POP3 before login (RFC 1939, 2449, 2595, 5034), with Dovecot's replies.
class Engine : public login::Engine {
 public:
  /// greeting: login_greeting.
  explicit Engine(const std::string& greeting) : greeting_(greeting) {}

  std::optional<login::Event> next_event() override;
  void greet() override;
  void say_waiting() override {}  // POP3 has no line for it
  void challenge(std::string_view base64) override;
  void refuse(login::Refusal why, std::string_view text) override;
  void say_bye(std::string_view reason) override;
  std::string handoff_prefix() override;

 private:
  void say_aborted() override;
  std::optional<login::Event> next_command();
  std::optional<login::Event> run(std::string_view name,
                                  std::string_view argument);
  std::optional<login::Event> authenticate(std::string_view argument);
  std::optional<login::Event> password(std::string_view argument);
  std::optional<login::Event> plaintext_refused();
  std::optional<login::Event> starttls();
  std::optional<login::Event> unknown();
  std::optional<login::Event> identify(std::string_view name,
                                       std::string_view argument);
  void list_capabilities();

  const std::string& greeting_;
  std::optional<std::string> user_;  // of USER
};

}  // namespace mail::pop3_login
