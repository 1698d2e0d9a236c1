// discard(8) throws away all that it is given, and says so as the next hop
// words it.
#include "common/queue/dsn_status.h"
#include "delivery/agent.h"

namespace mail::delivery {

namespace {

class DiscardAgent : public Agent {
 protected:
  net::Task<ipc::Dsn> deliver(Request& request, Report& report) override {
    auto reason = queue::split_dsn(request.nexthop, "2.0.0");
    for (auto& recipient : request.recipients) {
      auto outcome = report.outcome(recipient, reason.status, reason.text);
      outcome.stats.deliver_done = queue::time_now();
      co_await report.sent(std::move(outcome));
    }
    co_return ipc::Dsn{};
  }
};

}  // namespace

}  // namespace mail::delivery

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "discard",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::delivery::DiscardAgent>();
       }});
}
