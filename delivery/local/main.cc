// local(8): delivers to the mailboxes, aliases, .forward files and commands of
// this host's users.
#include "common/config/postfix/params.h"
#include "delivery/agent.h"
#include "delivery/local/config.h"
#include "delivery/local/delivery.h"

namespace mail::local {

namespace {

class LocalAgent : public delivery::Agent {
 protected:
  Result<> open_agent(daemon::Context& context) override {
    TRY(filter_status(
        "local_delivery_status_filter",
        settings().get(config::param::local_delivery_status_filter)));
    return open_config(config_, context);
  }

  net::Task<ipc::Dsn> deliver(delivery::Request& request,
                              delivery::Report& report) override {
    Delivery delivery(config_, request, report);
    for (auto& recipient : request.recipients) {
      co_await delivery.recipient(recipient);
    }
    co_return ipc::Dsn{};
  }

 private:
  Config config_;
};

}  // namespace

}  // namespace mail::local

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "local",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::local::LocalAgent>();
       },
       .privileged = true,
       .profile = mail::process::Profile::ReadsMailbox,
       .clients = 1});
}
