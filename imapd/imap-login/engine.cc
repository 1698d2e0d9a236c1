#include "imapd/imap-login/engine.h"

#include <fmt/format.h>

#include "common/base/ascii.h"

namespace mail::imap_login {

using login::Event;
using login::Refusal;

namespace {

constexpr unsigned kMostBadCommands = 3;
constexpr size_t kMaxLiteral = 65536;
constexpr std::string_view kSwapped =
    "First parameter in line is IMAP's command tag, not the command name. Add "
    "that before the command, like: a login user pass";

/// tag = 1*<any ASTRING-CHAR except "+">
bool is_tag(std::string_view tag) {
  if (tag.empty()) return false;
  for (char c : tag) {
    if (!is_print(c) || c == ' ' ||
        std::string_view("+(){%*\"\\").find(c) != std::string_view::npos) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string Engine::capability() const {
  std::string list = texts_.capability;
  if (offer().starttls && !offer().tls) list += " STARTTLS";
  if (!offer().plaintext || !offer().has_plain) list += " LOGINDISABLED";
  for (auto& mechanism : offer().mechanisms) list += " AUTH=" + mechanism;
  return list;
}

void Engine::greet() {
  say(fmt::format("* OK [CAPABILITY {}] {}", capability(), texts_.greeting));
}

void Engine::say_waiting() {
  say("* OK Waiting for authentication process to respond..");
}

void Engine::say_bye(std::string_view reason) {
  say(fmt::format("* BYE {}", reason));
  state_ = State::Closed;
}

void Engine::say_aborted() { reply("BAD Authentication aborted by client."); }

void Engine::reply(std::string_view rest) {
  say(fmt::format("{} {}", is_tag(tag_) ? tag_ : "*", rest));
}

void Engine::challenge(std::string_view base64) {
  say(fmt::format("+ {}", base64));
  state_ = State::Sasl;
}

void Engine::refuse(Refusal why, std::string_view text) {
  state_ = State::Command;
  auto no = [&](std::string_view code, std::string_view standard) {
    if (text.empty()) return reply(fmt::format("NO [{}] {}", code, standard));
    if (text.starts_with('[')) return reply(fmt::format("NO {}", text));
    reply(fmt::format("NO [{}] {}", code, text));
  };
  switch (why) {
    case Refusal::Failed:
      if (!text.empty()) return no("ALERT", "");
      return no("AUTHENTICATIONFAILED", "Authentication failed.");
    case Refusal::Authorization:
      return no("AUTHORIZATIONFAILED", "Authorization failed");
    case Refusal::Temporary:
      return no("UNAVAILABLE", "Temporary authentication failure.");
    case Refusal::PasswordExpired:
      return no("EXPIRED", "Password expired");
    case Refusal::UserDisabled:
    case Refusal::LoginDisabled:
      return no("CONTACTADMIN", "Login disabled for this user");
    case Refusal::InvalidBase64:
      return no("ALERT", "Invalid base64 in response");
    case Refusal::InvalidInitial:
      return reply(fmt::format(
          "BAD {}",
          text.empty() ? "Invalid base64 data in initial response" : text));
    case Refusal::UnknownMechanism:
      return no("ALERT", "Unsupported authentication mechanism.");
    case Refusal::PlaintextDisabled:
      return no("PRIVACYREQUIRED", "Plaintext authentication disabled.");
    case Refusal::TlsRequired:
      return no("PRIVACYREQUIRED",
                "Authentication not allowed until SSL/TLS is enabled.");
    case Refusal::AnonymousDenied:
      return no("CONTACTADMIN", "Anonymous login denied");
    case Refusal::Internal:
      no("UNAVAILABLE",
         "Internal error occurred. Refer to server log for more information.");
      state_ = State::Closed;
      return;
    case Refusal::TooMany:
      no("LIMIT", "Too many connections");
      state_ = State::Closed;
      return;
  }
}

std::string Engine::handoff_prefix() {
  std::string data(1, asked_capability_ ? '1' : '0');
  data += tag_;
  data += '\0';
  state_ = State::Closed;
  return data;
}

std::optional<Event> Engine::next_event() {
  if (state_ == State::Sasl) return next_response();
  while (state_ == State::Command) {
    size_t before = unread().size();
    if (auto event = next_command()) return event;
    // Nothing was consumed: it takes more bytes.
    if (in_command_ || unread().size() == before) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Event> Engine::input_is_full() {
  if (!input_full()) return std::nullopt;
  say("* BYE Input buffer full, aborting");
  return close("Input buffer full");
}

// Tag and name are read once; what a command's arguments need is awaited with
// them still in the buffer, where ArgReader begins anew.
std::optional<Event> Engine::next_command() {
  auto text = unread();
  auto end = text.find('\n');
  auto line = text.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (end == std::string_view::npos) {
    // An initial response may be longer than any other line.
    auto words = split(line.substr(0, 128), " ");
    long_line_ = words.size() > 2 && iequals(words[1], "AUTHENTICATE");
    return input_is_full();
  }
  long_line_ = false;
  auto space = line.find(' ');
  tag_ = line.substr(0, space);
  auto rest = space == std::string_view::npos ? "" : line.substr(space + 1);
  auto name = upper(rest.substr(0, rest.find(' ')));
  if (!is_tag(tag_) || name.empty()) {
    consume(end + 1);
    return bad_command();
  }
  return run(name);
}

std::optional<Event> Engine::bad_command() {
  if (iequals(tag_, "LOGIN")) {  // a person types; it does not count
    say(fmt::format("{} BAD {}", tag_, kSwapped));
    return std::nullopt;
  }
  if (++bad_commands_ >= kMostBadCommands) {
    say("* BYE Too many invalid IMAP commands.");
    return close("Too many invalid commands");
  }
  reply("BAD Error in IMAP command received by server.");
  return std::nullopt;
}

std::optional<Event> Engine::run(std::string_view name) {
  if (name == "AUTHENTICATE") return authenticate();
  return with_arguments(name);
}

std::optional<Event> Engine::with_arguments(std::string_view name) {
  auto text = unread();
  // Behind tag, blank and name.
  size_t skip = text.find(' ') + 1 + name.size();
  while (skip < text.size() && text[skip] == ' ') ++skip;
  imap::ArgReader::Options options;
  options.max_line = kMaxLiteral;
  imap::ArgReader reader(options);
  auto state = reader.read(text.substr(skip));
  using State_ = imap::ArgReader::State;
  for (; continued_ < reader.sync_literals; ++continued_) say("+ OK");
  if (state == State_::NeedMore) {
    in_command_ = true;
    return input_is_full();
  }
  in_command_ = false;
  continued_ = 0;
  if (state == State_::Failed) {
    auto what = reader.error.what;
    if (reader.error.fatal) {
      say(fmt::format("* BYE {}", what));
      return close(what);
    }
    consume(reader.end > 0 ? skip + reader.end : text.find('\n') + 1);
    reply(fmt::format("BAD {}", what));
    return std::nullopt;
  }
  consume(skip + reader.end);
  if (name == "LOGIN") return login_with(reader.args);
  if (name == "ID") return identify(reader.args);
  if (name == "STARTTLS") return starttls();
  if (name == "CAPABILITY") {
    asked_capability_ = true;
    say(fmt::format("* CAPABILITY {}", capability()));
    reply(
        "OK Pre-login capabilities listed, post-login capabilities have more.");
  } else if (name == "NOOP") {
    reply("OK NOOP completed.");
  } else if (name == "ENABLE") {
    say("* ENABLED");
    reply("OK ENABLE ignored in non-authenticated state.");
  } else if (name == "LOGOUT") {
    say("* BYE Logging out");
    reply("OK Logout completed.");
    return close("Aborted login by logging out");
  } else {
    return bad_command();
  }
  return std::nullopt;
}

std::optional<Event> Engine::login_with(const imap::Args& args) {
  if (args.size() != 2 || !args[0].is_astring() || !args[1].is_astring()) {
    return bad_command();
  }
  if (!offer().plaintext) {
    say("* BAD [ALERT] Plaintext authentication not allowed without SSL/TLS, "
        "but your client did it anyway. If anyone was listening, the password "
        "was exposed.");
    reply(
        "NO [PRIVACYREQUIRED] Plaintext authentication disallowed on "
        "non-secure (SSL/TLS) connections.");
    return login::PlaintextRefused{};
  }
  state_ = State::Asked;
  return login::Authenticate{
      "PLAIN", login::plain_response(args[0].text, args[1].text), true};
}

// Raw, as Dovecot reads it: mechanism and response to the end of the line.
std::optional<Event> Engine::authenticate() {
  auto line = take_line();
  line->remove_prefix(line->find(' ') + 1);
  auto space = line->find(' ');
  std::string_view rest =
      space == std::string_view::npos ? "" : line->substr(space + 1);
  space = rest.find(' ');
  login::Authenticate event;
  event.mechanism = upper(rest.substr(0, space));
  if (event.mechanism.empty()) return bad_command();
  if (space != std::string_view::npos) {
    event.initial = std::string(rest.substr(space + 1));
  }
  state_ = State::Asked;
  return event;
}

std::optional<Event> Engine::identify(const imap::Args& args) {
  login::Identified event;
  bool good = true;
  if (!args.empty() && args[0].is_list()) {
    const auto& list = args[0].list;
    for (size_t i = 0; good && i < list.size(); i += 2) {
      good = list[i].is_string();
      if (i + 1 == list.size()) break;
      const auto& value = list[i + 1];
      good = good && (value.is_string() || value.kind == imap::Arg::Kind::Nil);
      std::optional<std::string> text;
      if (value.is_string()) text = value.text;
      event.fields.emplace_back(list[i].text, std::move(text));
    }
  } else {
    good = args.empty() || args[0].kind == imap::Arg::Kind::Nil;
  }
  if (!good) {
    reply("BAD Invalid ID parameters");
    return std::nullopt;
  }
  say(fmt::format("* ID {}", texts_.id));
  reply("OK ID completed.");
  return event;
}

std::optional<Event> Engine::starttls() {
  if (offer().tls) {
    reply("BAD TLS is already active.");
    return std::nullopt;
  }
  if (!offer().starttls) {
    reply("BAD TLS support isn't enabled.");
    return std::nullopt;
  }
  reply("OK Begin TLS negotiation now.");
  // What the client knew before TLS must not be believed, nor what it asked.
  asked_capability_ = false;
  state_ = State::Tls;
  return login::StartTls{};
}

}  // namespace mail::imap_login
