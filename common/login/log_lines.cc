#include "common/login/log_lines.h"

#include <fmt/format.h>

#include <optional>

#include "common/base/ascii.h"

namespace mail::login {
namespace {

std::string number_or_none(long number) {
  return number ? fmt::format("{}", number) : std::string();
}

std::optional<std::string> value_of(std::string_view key, const LogFacts& f) {
  auto at = f.user.find('@');
  bool has_domain = at != std::string::npos;
  if (key == "u" || key == "user") return f.user;
  if (key == "n" || key == "username") return f.user.substr(0, at);
  if (key == "d" || key == "domain") {
    return has_domain ? f.user.substr(at + 1) : std::string();
  }
  if (key == "s" || key == "service") return f.service;
  if (key == "r" || key == "rip" || key == "remote_ip" || key == "real_rip") {
    return f.remote_ip;
  }
  if (key == "l" || key == "lip" || key == "local_ip" || key == "real_lip") {
    return f.local_ip;
  }
  if (key == "b" || key == "rport" || key == "real_rport") {
    return number_or_none(f.remote_port);
  }
  if (key == "a" || key == "lport" || key == "real_lport") {
    return number_or_none(f.local_port);
  }
  if (key == "m" || key == "mech") return f.mechanism;
  if (key == "c" || key == "secured") return f.security;
  if (key == "k" || key == "ssl_security") return f.tls;
  if (key == "e" || key == "mail_pid") return number_or_none(f.mail_pid);
  if (key == "session") return f.session;
  if (key == "local_name") return f.local_name;
  return std::nullopt;
}

struct Expanded {
  std::string text;
  bool has_variables = false, has_value = false, names_user = false;
};

/// One element, with the modifiers that make sense here: %Lu, %Uu.
Expanded expand(std::string_view element, const LogFacts& facts) {
  Expanded out;
  for (size_t i = 0; i < element.size(); ++i) {
    if (element[i] != '%' || i + 1 == element.size()) {
      out.text += element[i];
      continue;
    }
    char letter_case = 0;
    while (i + 2 < element.size() &&
           (element[i + 1] == 'L' || element[i + 1] == 'U')) {
      letter_case = element[++i];
    }
    std::string_view key = element.substr(++i, 1);
    if (key == "%") {
      out.text += '%';
      continue;
    }
    auto close = element.find('}', i);
    if (key == "{" && close != std::string_view::npos) {
      key = element.substr(i + 1, close - i - 1);
      i = close;
    }
    auto value = value_of(key, facts).value_or("");
    if (letter_case == 'L') value = lower(value);
    if (letter_case == 'U') value = upper(value);
    out.has_variables = true;
    out.has_value |= !value.empty();
    out.names_user |=
        key == "u" || key == "n" || key == "user" || key == "username";
    out.text += value;
  }
  return out;
}

}  // namespace

std::string log_line(std::string_view format, std::string_view elements,
                     std::string_view message, const LogFacts& facts) {
  std::string list;
  for (auto element : split(elements, " ")) {
    auto expanded = expand(element, facts);
    if (expanded.has_variables && !expanded.has_value && !expanded.names_user) {
      continue;
    }
    if (!list.empty()) list += ", ";
    list += expanded.text;
  }
  std::string line;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] == '%' && i + 1 < format.size()) {
      char key = format[++i];
      if (key == '$') {
        line += message;
      } else if (key == 's') {
        line += list;
      } else {
        line += key;
      }
    } else {
      line += format[i];
    }
  }
  return line;
}

std::string disconnect_reason(const Attempts& a, Instant now) {
  auto seconds = [now](Instant since) {
    return std::chrono::duration_cast<std::chrono::seconds>(now - since)
        .count();
  };
  using Waiting = Attempts::Waiting;
  if (!a.ready) {
    return fmt::format("disconnected before auth was ready, waited {} secs",
                       seconds(a.connected));
  }
  using Failure = Attempts::Failure;
  if (a.count == 0 && a.failure == Failure::None) {
    return fmt::format("no auth attempts in {} secs", seconds(a.connected));
  }
  if (a.waiting == Waiting::Client) {
    return fmt::format("client didn't finish SASL auth, waited {} secs",
                       seconds(a.waiting_since));
  }
  if (a.waiting == Waiting::Auth) {
    return fmt::format("disconnected while authenticating, waited {} secs",
                       seconds(a.waiting_since));
  }
  if (a.waiting == Waiting::MailProcess) {
    return fmt::format("disconnected while finishing login, waited {} secs",
                       seconds(a.waiting_since));
  }
  if (a.aborted && a.count == 1) return "aborted authentication";
  if (a.lost_auth) return "auth process communication failure";
  if (a.successes > 0) {
    return fmt::format("internal failure, {} successful auths", a.successes);
  }
  switch (a.failure) {
    case Failure::None:
      break;
    case Failure::Authorization:
      return fmt::format("authorization failed, {} attempts in {} secs",
                         a.count, seconds(a.first));
    case Failure::Temporary:
      return "auth service reported temporary failure";
    case Failure::UserDisabled:
      return "user disabled";
    case Failure::PasswordExpired:
      return "password expired";
    case Failure::InvalidBase64:
      return "sent invalid base64 in response";
    case Failure::LoginDisabled:
      return "login disabled";
    case Failure::UnknownMechanism:
      return "tried to use unsupported auth mechanism";
    case Failure::Plaintext:
      return "tried to use disallowed plaintext auth";
  }
  return fmt::format("auth failed, {} attempts in {} secs", a.count,
                     seconds(a.first));
}

}  // namespace mail::login
