#pragma once

#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/net/address.h"

namespace mail::login {

/// What a login process goes by: settings of the same names.
struct Settings {
  std::string protocol;  ///< "imap", "pop3": of log lines, auth, anvil
  std::string login_greeting = "Dovecot ready.";
  std::string login_log_format = "%$: %s";
  std::string login_log_format_elements =
      "user=<%u> method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>";
  std::vector<std::pair<net::IpAddress, unsigned>> trusted_networks;
  bool disable_plaintext_auth = true;
  bool auth_verbose = false, auth_debug = false, verbose_ssl = false;
  enum class Ssl { No, Yes, Required } ssl = Ssl::Yes;
  unsigned mail_max_userip_connections = 10;  ///< 0: no limit
  std::string hostname;  ///< in texts of temporary failures
  Duration login_timeout = std::chrono::seconds(180);
  /// Relative to where the process stands (base_dir/login).
  std::string auth_socket = "login";
  std::string mail_socket;  ///< empty: `protocol`
};

bool is_trusted(const Settings& settings, const net::IpAddress& address);

}  // namespace mail::login
