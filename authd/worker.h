#pragma once

#include <memory>
#include <string>

#include "authd/auth.h"
#include "authd/worker_pool.h"
#include "common/daemon/dovecot_service.h"

namespace mail::authd {

/// A worker process (auth -w): asks databases that block, and PAM, as root.
/// One question at a time; the process stays.
class WorkerService : public daemon::DovecotService {
 public:
  Result<> open(daemon::DovecotContext& context) override;
  net::Task<> serve(net::Stream stream,
                    daemon::DovecotConnection connection) override;

 private:
  bool greet(std::string_view line) const;
  net::Task<std::string> answer(WorkerQuestion question);
  net::Task<Result<Auth*>> auth_for(const std::string& service);

  daemon::DovecotContext* context_ = nullptr;
  std::shared_ptr<const Settings> settings_;
  std::unique_ptr<Auth> auth_;
  std::map<std::string, std::unique_ptr<Auth>> by_protocol_;
};

}  // namespace mail::authd
