#pragma once

#include <memory>

#include "common/daemon/dovecot_service.h"
#include "common/login/certificates.h"
#include "lmtp/deliver.h"
#include "lmtp/session.h"

namespace mail::lmtp {

/// lmtp: root's part speaks LMTP, users' parts save
/// (daemon/user_workers.h).
class Service : public daemon::DovecotService {
 public:
  Result<> open(daemon::DovecotContext& context) override;
  net::Task<Result<>> start(daemon::DovecotContext& context) override;
  net::Task<> serve(net::Stream stream,
                    daemon::DovecotConnection connection) override;
  void stop() override;

 private:
  Result<> open_root_part();
  net::Task<> do_job(daemon::WorkerPort::Job job);
  net::Task<std::vector<JobAnswer>> save_all(Job job, UniqueFd file);

  daemon::DovecotContext* context_ = nullptr;
  // Root's part.
  Shared shared_;
  std::unique_ptr<auth::MasterClient> auth_;
  std::unique_ptr<daemon::UserWorkers> workers_;
  std::unique_ptr<login::Certificates> certificates_;
  // The user's part.
  std::unique_ptr<daemon::WorkerPort> port_;
  std::unique_ptr<Deliverer> deliverer_;
  std::unique_ptr<net::TaskSet> jobs_;
};

}  // namespace mail::lmtp
