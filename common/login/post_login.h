#pragma once

#include <functional>
#include <string>

#include "common/auth/master_client.h"
#include "common/daemon/user_workers.h"
#include "common/ipc/login_handoff.h"
#include "common/login/session_start.h"
#include "common/net/stream.h"
#include "common/net/task.h"

namespace mail::login {

/// Root's part of imap and pop3: takes clients from login processes, asks auth
/// whose they are, and gives each to the process of its user.
class PostLogin {
 public:
  struct Hooks {
    /// The ids of a user; errors go to the log as this user's.
    std::function<Result<daemon::Identity>(const SessionStart&)> identity;
    /// Takes a line for the log of a session that could not begin.
    std::function<void(const SessionStart&, std::string_view)> log_error;
    /// What the client is told then; empty: nothing.
    std::function<std::string(const SessionStart&)> apology;
    /// "CONNECT\tPID\tIDENT\n" and so on, to anvil.
    std::function<void(std::string_view)> tell_anvil;
  };
  /// service: "imap", "pop3": of anvil's idents.
  PostLogin(std::string service, auth::MasterClient& auth,
            daemon::UserWorkers& workers, Hooks hooks)
      : service_(std::move(service)),
        auth_(auth),
        workers_(workers),
        hooks_(std::move(hooks)) {}

  /// One connection of a login process, until it has closed and all clients
  /// that came by it have gone.
  net::Task<> serve(net::Stream connection);

 private:
  net::Task<> take_all(net::Stream connection, net::TaskSet* sessions);
  net::Task<bool> take(net::Descriptor* connection,
                       ipc::login::Arrival arrival, net::TaskSet* sessions);
  net::Task<> follow(daemon::Identity who, pid_t pid, UniqueFd client,
                     SessionStart start);

  std::string service_;
  auth::MasterClient& auth_;
  daemon::UserWorkers& workers_;
  Hooks hooks_;
};

}  // namespace mail::login
