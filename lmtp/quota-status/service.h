#pragma once

#include <memory>

#include "common/auth/master_client.h"
#include "common/daemon/dovecot_service.h"
#include "common/daemon/user_workers.h"
#include "common/mailbox/registry.h"
#include "lmtp/quota-status/request.h"

namespace mail::quota_status {

/// The policy service of `executable = quota-status -p postfix`: root's part
/// answers Postfix, users' parts look at mailboxes (daemon/user_workers.h).
class Service : public daemon::DovecotService {
 public:
  Result<> open(daemon::DovecotContext& context) override;
  net::Task<Result<>> start(daemon::DovecotContext& context) override;
  net::Task<> serve(net::Stream stream,
                    daemon::DovecotConnection connection) override;
  void stop() override;

 private:
  Result<> check_arguments() const;
  /// The action for Postfix.
  net::Task<std::string> answer(Request request);
  net::Task<Verdict> ask_mailbox(std::string user, ipc::TabFields fields,
                                 uint64_t size);
  std::string setting(const char* name, std::string_view usual) const;
  net::Task<> do_job(daemon::WorkerPort::Job job);
  Verdict judge(const Question& question);

  daemon::DovecotContext* context_ = nullptr;
  // Root's part.
  std::unique_ptr<auth::MasterClient> auth_;
  std::unique_ptr<daemon::UserWorkers> workers_;
  std::vector<gid_t> own_groups_;
  // The user's part.
  std::unique_ptr<daemon::WorkerPort> port_;
  mailbox::Registry registry_;
  std::unique_ptr<net::TaskSet> jobs_;
};

}  // namespace mail::quota_status
