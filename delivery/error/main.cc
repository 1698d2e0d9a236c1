// error(8) bounces and, as the service `retry`, defers all that it is given;
// the next hop is the reason: "5.1.1 no such user".
#include "common/queue/dsn_status.h"
#include "delivery/agent.h"

namespace mail::delivery {

namespace {

class ErrorAgent : public Agent {
 protected:
  net::Task<ipc::Dsn> deliver(Request& request, Report& report) override {
    bool retry = context().service == "retry";
    auto reason = queue::split_dsn(request.nexthop, retry ? "4.0.0" : "5.0.0");
    for (auto& recipient : request.recipients) {
      auto outcome = report.outcome(recipient, reason.status, reason.text);
      outcome.stats.deliver_done = queue::time_now();
      if (retry || reason.status.starts_with('4')) {
        co_await report.deferred(std::move(outcome));
      } else {
        co_await report.bounced(std::move(outcome));
      }
    }
    co_return ipc::Dsn{};
  }
};

}  // namespace

}  // namespace mail::delivery

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "error", .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::delivery::ErrorAgent>();
       }});
}
