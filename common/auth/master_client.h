#pragma once

#include <string>
#include <vector>

#include "common/auth/channel.h"
#include "common/auth/pending.h"
#include "common/ipc/dovecot_auth.h"

namespace mail::auth {

/// The client's side of Dovecot's master and userdb protocols (auth-master,
/// auth-userdb): what is known of a user, and who it is that a login process
/// has handed over. One connection for all (auth/channel.h).
///
/// Each question's Result fails when the connection cannot be had or broke;
/// what the server itself says (also FAIL) is in the UserAnswer.
class MasterClient : public Channel {
 public:
  MasterClient(std::string path, net::TaskSet& tasks)
      : Channel(std::move(path), tasks) {}

  unsigned server_pid() const { return server_pid_; }

  /// USER: the user's fields (uid, gid, home, mail...). info.service is
  /// needed.
  net::Task<Result<ipc::UserAnswer>> user(std::string name, ipc::AuthInfo info);
  /// PASS: what the password databases know besides the password.
  net::Task<Result<ipc::UserAnswer>> pass(std::string name, ipc::AuthInfo info);
  /// REQUEST: the user behind a login, once. `client_pid`, `auth_id` and
  /// `cookie` are the login process's word.
  net::Task<Result<ipc::UserAnswer>> request(ipc::AuthCookieRequest cookie);

  /// LIST: all users' names; `complete` is false when a database failed.
  struct Listed {
    std::vector<std::string> users;
    bool complete = false;
  };
  net::Task<Result<Listed>> list(std::string mask, ipc::AuthInfo info);
  /// CACHE-FLUSH of these users, or of all: how many entries went.
  net::Task<Result<unsigned>> flush_cache(std::vector<std::string> users);

 private:
  struct Reply {
    ipc::UserAnswer user;
    Listed listed;
    unsigned flushed = 0;
  };
  std::string greeting() const override;
  void begin_handshake() override {}
  bool take_handshake(std::string_view line) override;
  void take_line(std::string_view line) override;
  void lost() override;
  net::Task<Result<Reply>> wait_for(unsigned id);
  net::Task<Result<Reply>> exchange(unsigned id, std::string line);
  net::Task<Result<ipc::UserAnswer>> ask(std::string command, std::string name,
                                         ipc::AuthInfo info);

  unsigned server_pid_ = 0;
  Pending<Reply> pending_;
  std::map<unsigned, Listed> lists_;  // not yet DONE
};

}  // namespace mail::auth
