#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/clock.h"

namespace mail::login {

/// What log lines say of a connection (login_log_format_elements).
struct LogFacts {
  std::string service;    ///< %s "imap"
  std::string user;       ///< %u, %n, %d
  std::string mechanism;  ///< %m; empty before any attempt
  std::string remote_ip, local_ip;
  uint16_t remote_port = 0, local_port = 0;
  std::string security;  ///< %c "TLS", "secured", "TLS handshaking: ..."
  std::string tls;       ///< %k "TLSv1.3 with cipher ..."
  std::string session;
  std::string local_name;
  long mail_pid = 0;  ///< %e; 0: none
};

/// A line in login_log_format ("%$: %s") of the elements that say something:
///   Login: user=<alice>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, TLS
/// An element stays if a variable in it has a value, or names %u or %n.
std::string log_line(std::string_view format, std::string_view elements,
                     std::string_view message, const LogFacts& facts);

/// What has happened before a connection ended without a login.
struct Attempts {
  enum class Waiting : uint8_t { Nothing, Client, Auth, MailProcess };
  enum class Failure : uint8_t {
    None,  ///< no answer yet, or a wrong password
    Authorization,
    Temporary,
    UserDisabled,
    PasswordExpired,
    InvalidBase64,
    LoginDisabled,
    UnknownMechanism,
    Plaintext,
  };
  Instant connected{}, first{}, waiting_since{};
  bool ready = false;  ///< the greeting was sent
  unsigned count = 0, successes = 0;
  Waiting waiting = Waiting::Nothing;
  Failure failure = Failure::None;
  bool aborted = false, lost_auth = false;
};

/// "auth failed, 1 attempts in 2 secs", as fail2ban's filter reads it; empty:
/// nothing is to be said.
std::string disconnect_reason(const Attempts& attempts, Instant now);

}  // namespace mail::login
