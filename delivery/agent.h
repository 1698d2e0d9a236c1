#pragma once

#include <memory>

#include "common/daemon/service.h"
#include "delivery/report.h"
#include "delivery/request.h"

namespace mail::delivery {

/// The server's side of private/TRANSPORT, the same for all agents: greets,
/// takes requests, opens and locks the queue file, answers. An agent says how
/// it delivers:
///
///   net::Task<ipc::Dsn> deliver(Request& request, Report& report) override {
///     for (auto& recipient : request.recipients) {
///       ... co_await report.sent(report.outcome(recipient, "2.0.0", "..."));
///     }
///     co_return ipc::Dsn{};     // a status: the next hop itself is in trouble
///   }
class Agent : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) final;
  net::Task<> serve(net::Stream stream) final;

 protected:
  /// Still privileged: tables, keys, resolver.
  virtual Result<> open_agent(daemon::Context&) { return {}; }
  /// Every recipient must be reported before it returns.
  virtual net::Task<ipc::Dsn> deliver(Request& request, Report& report) = 0;

  /// NAME_delivery_status_filter. Errors: Config, not "type:name".
  Result<> filter_status(std::string title, const std::string& value);

  daemon::Context& context() { return *context_; }
  Reporting& reporting() { return *reporting_; }
  const config::Settings& settings() const { return *context_->settings; }

 private:
  net::Task<Result<>> receive(net::Stream& stream, Request& request);

  daemon::Context* context_ = nullptr;
  std::unique_ptr<Reporting> reporting_;
};

}  // namespace mail::delivery
