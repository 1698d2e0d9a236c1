// cleanup(8): makes a queue file of what smtpd, pickup and the mail system
// itself send, and promises it: 250 queued.
#include "common/config/postfix/params.h"
#include "common/ipc/bounce.h"
#include "queue/cleanup/session.h"

namespace mail::cleanup {

namespace param = config::param;

namespace {

class CleanupService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    shared_.config = TRY(load(context));
    shared_.tasks = context.tasks;
    shared_.rewriter = std::make_unique<Rewriter>(*shared_.config);
    const auto& settings = *context.settings;
    shared_.bounce = std::make_unique<ipc::Client>(ipc::Client::Options{
        .path = "private/" + settings.get(param::bounce_service_name),
        .protocol = ipc::kBounceProtocol,
        .timeout = settings.get(param::ipc_timeout)});
    return {};
  }

  net::Task<> serve(net::Stream stream) override {
    Session session(shared_);
    co_await session.serve(std::move(stream));
  }

 private:
  Shared shared_;
};

}  // namespace

}  // namespace mail::cleanup

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "cleanup",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::cleanup::CleanupService>();
       },
       .limit = mail::daemon::ProcessLimit::Unlimited});
}
