// smtp(8), and as lmtp(8) the same for LMTP: takes mail to other servers.
#include "common/config/postfix/params.h"
#include "delivery/smtp/delivery.h"

namespace mail::smtpc {

namespace {

class SmtpAgent : public delivery::Agent {
 protected:
  Result<> open_agent(daemon::Context& context) override {
    config_ = TRY(load(context));
    const bool lmtp = config_->mode == ClientMode::Lmtp;
    return filter_status(
        lmtp ? "lmtp_delivery_status_filter" : "smtp_delivery_status_filter",
        settings().get(config::param::client::delivery_status_filter,
                       config_->mode));
  }

  net::Task<ipc::Dsn> deliver(delivery::Request& request,
                              delivery::Report& report) override {
    if (!pool_) pool_.emplace(*config_, *context().tasks);
    Delivery delivery(*config_, *pool_, request, report);
    auto hop = co_await delivery.run();
    co_return hop;
  }

 private:
  std::unique_ptr<Config> config_;
  std::optional<Pool> pool_;
};

}  // namespace

}  // namespace mail::smtpc

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "smtp",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::smtpc::SmtpAgent>();
       },
       .profile = mail::process::Profile::FacesNetwork,
       .writes = {"active"},  // recipients that are done are marked
       .clients = 100});
}
