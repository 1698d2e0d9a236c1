// smtpd(8): takes mail from strangers, and from our users on the ports that
// master.cf gives them.
#include "common/daemon/service.h"
#include "smtpd/config.h"
#include "smtpd/session.h"

namespace mail::smtpd {

namespace {

class SmtpdService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    context_ = &context;
    config_ = TRY(load(context));
    return {};
  }

  net::Task<> serve(net::Stream stream) override {
    Session session(*config_, std::move(stream));
    co_await session.serve();
    // Renewed certificates that only root can read need a new process.
    if (config_->tls && config_->tls->wants_restart() && context_->drain) {
      context_->drain();
    }
  }

 private:
  daemon::Context* context_ = nullptr;
  std::unique_ptr<Config> config_;
};

}  // namespace

}  // namespace mail::smtpd

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "smtpd",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::smtpd::SmtpdService>();
       },
       .profile = mail::process::Profile::FacesNetwork,
       .clients = 1000});
}
