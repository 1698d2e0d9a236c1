#include "pop3d/pop3-login/engine.h"

#include <fmt/format.h>

#include "common/base/ascii.h"

namespace mail::pop3_login {

using login::Event;
using login::Refusal;

namespace {
constexpr unsigned kMostBadCommands = 3;
constexpr std::string_view kPlaintextRefused =
    "-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) "
    "connections.";
}  // namespace

void Engine::greet() {
  say(fmt::format("+OK {}{}", offer().trusted ? "[XCLIENT] " : "", greeting_));
}

void Engine::say_bye(std::string_view reason) {
  say(fmt::format("-ERR {}", reason));
  state_ = State::Closed;
}

void Engine::say_aborted() { say("-ERR Authentication aborted by client."); }

void Engine::challenge(std::string_view base64) {
  say(fmt::format("+ {}", base64));
  state_ = State::Sasl;
}

void Engine::refuse(Refusal why, std::string_view text) {
  state_ = State::Command;
  auto err = [&](std::string_view code, std::string_view standard) {
    if (text.starts_with('[')) return say(fmt::format("-ERR {}", text));
    say(fmt::format("-ERR [{}] {}", code, text.empty() ? standard : text));
  };
  switch (why) {
    case Refusal::Failed:
      return err("AUTH", "Authentication failed.");
    case Refusal::Authorization:
      return err("AUTH", "Authorization failed");
    case Refusal::Temporary:
      return err("SYS/TEMP", "Temporary authentication failure.");
    case Refusal::PasswordExpired:
      return err("AUTH", "Password expired");
    case Refusal::UserDisabled:
    case Refusal::LoginDisabled:
      return err("AUTH", "Login disabled for this user");
    case Refusal::InvalidBase64:
      return err("AUTH", "Invalid base64 in response");
    case Refusal::InvalidInitial:
      return err("AUTH", "Invalid base64 data in initial response");
    case Refusal::UnknownMechanism:
      return err("AUTH", "Unsupported authentication mechanism.");
    case Refusal::PlaintextDisabled:
      return err("AUTH", "Plaintext authentication disabled.");
    case Refusal::TlsRequired:
      return err("AUTH",
                 "Authentication not allowed until SSL/TLS is enabled.");
    case Refusal::AnonymousDenied:
      return err("AUTH", "Anonymous login denied");
    case Refusal::Internal:
      err("SYS/TEMP",
          "Internal error occurred. Refer to server log for more information.");
      state_ = State::Closed;
      return;
    case Refusal::TooMany:
      err("IN-USE", "Too many connections");
      state_ = State::Closed;
      return;
  }
}

std::string Engine::handoff_prefix() {
  state_ = State::Closed;
  return {};
}

std::optional<Event> Engine::next_event() {
  if (state_ == State::Sasl) return next_response();
  while (state_ == State::Command) {
    size_t before = unread().size();
    if (auto event = next_command()) return event;
    if (unread().size() == before) return std::nullopt;  // takes more bytes
  }
  return std::nullopt;
}

std::optional<Event> Engine::next_command() {
  auto line = take_line();
  if (!line) {
    // An initial response may be longer than any other line.
    long_line_ = istarts_with(unread(), "AUTH ");
    if (!input_full()) return std::nullopt;
    say("-ERR Input buffer full, aborting");
    return close("Input buffer full");
  }
  long_line_ = false;
  auto space = line->find(' ');
  auto argument =
      space == std::string_view::npos ? "" : line->substr(space + 1);
  return run(upper(line->substr(0, space)), argument);
}

std::optional<Event> Engine::run(std::string_view name,
                                 std::string_view argument) {
  if (name == "CAPA") {
    list_capabilities();
  } else if (name == "USER") {
    if (!offer().plaintext) return plaintext_refused();
    user_ = argument;
    say("+OK");
  } else if (name == "PASS") {
    return password(argument);
  } else if (name == "AUTH") {
    return authenticate(argument);
  } else if (name == "APOP") {
    say("-ERR APOP not enabled.");
  } else if (name == "STLS") {
    return starttls();
  } else if (name == "QUIT") {
    say("+OK Logging out");
    return close("Aborted login by logging out");
  } else if (name == "XCLIENT" || name == "XOIP") {
    return identify(name, argument);
  } else {
    return unknown();
  }
  return std::nullopt;
}

void Engine::list_capabilities() {
  say("+OK");
  for (auto line :
       {"CAPA", "TOP", "UIDL", "RESP-CODES", "PIPELINING", "AUTH-RESP-CODE"}) {
    say(line);
  }
  if (offer().starttls && !offer().tls) say("STLS");
  if (offer().plaintext) say("USER");
  std::string sasl = "SASL";
  for (auto& mechanism : offer().mechanisms) sasl += " " + mechanism;
  say(sasl);
  say(".");
}

std::optional<Event> Engine::unknown() {
  say("-ERR Unknown command.");
  if (++bad_commands_ < kMostBadCommands) return std::nullopt;
  say("-ERR Too many invalid bad commands.");
  return close("Disconnected: Too many bad commands");
}

std::optional<Event> Engine::plaintext_refused() {
  say(kPlaintextRefused);
  return login::PlaintextRefused{};
}

std::optional<Event> Engine::password(std::string_view argument) {
  if (!offer().plaintext) return plaintext_refused();
  if (!user_) {
    say("-ERR No username given.");
    return std::nullopt;
  }
  state_ = State::Asked;
  auto response = login::plain_response(*user_, argument);
  user_.reset();
  return login::Authenticate{"PLAIN", std::move(response), true};
}

std::optional<Event> Engine::authenticate(std::string_view argument) {
  if (argument.empty()) {  // the old way to ask what there is
    say("+OK");
    for (auto& mechanism : offer().mechanisms) say(mechanism);
    say(".");
    return std::nullopt;
  }
  auto space = argument.find(' ');
  login::Authenticate event;
  event.mechanism = upper(argument.substr(0, space));
  if (space != std::string_view::npos) {
    event.initial = std::string(argument.substr(space + 1));
  }
  state_ = State::Asked;
  return event;
}

std::optional<Event> Engine::starttls() {
  if (offer().tls) {
    say("-ERR TLS is already active.");
    return std::nullopt;
  }
  if (!offer().starttls) {
    say("-ERR TLS support isn't enabled.");
    return std::nullopt;
  }
  say("+OK Begin TLS negotiation now.");
  user_.reset();
  state_ = State::Tls;
  return login::StartTls{};
}

std::optional<Event> Engine::identify(std::string_view name,
                                      std::string_view argument) {
  if (!offer().trusted) {
    say("+OK You are not from trusted IP - ignoring");
    return std::nullopt;
  }
  login::Identified event;
  if (name == "XOIP") {
    event.fields.emplace_back("ADDR", std::string(argument));
  } else {
    for (auto word : split(argument, " ")) {
      auto equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      event.fields.emplace_back(upper(word.substr(0, equals)),
                                std::string(word.substr(equals + 1)));
    }
  }
  say("+OK Updated");
  return event;
}

}  // namespace mail::pop3_login
