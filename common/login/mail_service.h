#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "common/auth/master_client.h"
#include "common/daemon/dovecot_service.h"
#include "common/daemon/user_workers.h"
#include "common/login/mail_user.h"
#include "common/login/post_login.h"

namespace mail::login {

/// A client that has logged in, in the process of its user.
struct UserSession {
  MailUser user;
  net::Stream client;
  ipc::login::Request request;
  std::string log_prefix;
  /// To be set by the session: called when it is to end soon ("Server shutting
  /// down."). It must not outlive serve_user().
  std::function<void()>* shut_down = nullptr;
};

/// The service of imap and pop3: started as root it takes clients from login
/// processes and hands them to a process of their user, which is the same
/// executable again (daemon/user_workers.h).
class MailService : public daemon::DovecotService {
 public:
  /// protocol: "imap", "pop3".
  explicit MailService(std::string protocol) : protocol_(std::move(protocol)) {}
  ~MailService() override;

  Result<> open(daemon::DovecotContext& context) override;
  net::Task<Result<>> start(daemon::DovecotContext& context) override;
  net::Task<> serve(net::Stream stream,
                    daemon::DovecotConnection connection) override;
  void stop() override;

 protected:
  /// One client to its end, as its user.
  virtual net::Task<> serve_user(UserSession session) = 0;
  /// What a client is told whose user's mail cannot be had.
  virtual std::string apology(const SessionStart& start) = 0;
  /// As the user, before the first client: registry of mailboxes and the like.
  virtual void open_as_user(daemon::DovecotContext&) {}

  daemon::DovecotContext& context() { return *context_; }

 private:
  MailUser user_of(const SessionStart& start) const;
  void end_sessions();
  net::Task<> serve_job(daemon::WorkerPort::Job job);
  void open_root_part();

  std::string protocol_;
  daemon::DovecotContext* context_ = nullptr;
  // Root's part.
  std::vector<gid_t> own_groups_;
  std::unique_ptr<auth::MasterClient> auth_;
  std::unique_ptr<daemon::UserWorkers> workers_;
  std::unique_ptr<PostLogin> post_login_;
  // The user's part.
  std::unique_ptr<daemon::WorkerPort> port_;
  std::list<std::function<void()>> shut_downs_;
  std::unique_ptr<net::TaskSet> sessions_;
};

}  // namespace mail::login
