#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/ipc/login_handoff.h"
#include "common/ipc/tabbed.h"

namespace mail::login {

/// What root's part of imap or pop3 tells the user's process of a client that
/// has logged in; the descriptor comes with it. Our own format.
struct SessionStart {
  std::string user;             ///< as auth says
  ipc::TabFields fields;        ///< of the user database
  ipc::login::Request request;  ///< addresses, flags, session id, data
};

/// One line of tabbed fields, then the login request in its wire form.
std::string encode(const SessionStart& start);
/// Errors: Protocol.
Result<SessionStart> parse_session_start(std::string_view message);

}  // namespace mail::login
