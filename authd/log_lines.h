#pragma once

#include <string>
#include <string_view>

#include "authd/request.h"

namespace mail::authd::log_lines {

// The lines of auth, worded as the original's: fail2ban reads them.

void error(std::string_view text);
void warning(std::string_view text);
void info(std::string_view text);
/// Only with auth_debug: ask before making the text.
void debug(std::string_view text);

/// Stands before each line of a worker while it serves a request:
/// "conn unix:auth-worker (pid=42,uid=903): auth-worker<5>: ".
void set_context(std::string prefix);

/// With auth_verbose (of this database, or of all).
bool verbose(const Request& request, const DatabaseSettings* database);

/// The words that follow a wrong password, by auth_verbose_passwords:
/// " (given password: x)", " (SHA1 of given password: ...)" or "".
std::string given_password(const Request& request, std::string_view password);

/// "unknown user", when asked for (auth_verbose, auth_verbose_passwords).
void unknown_user(const Request& request, std::string_view log_name,
                  const DatabaseSettings& settings);

}  // namespace mail::authd::log_lines
