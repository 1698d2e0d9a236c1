// pop3-login: POP3 until a client is known (common/login). Meets strangers as
// dovenull in a jail, serves all of them in one process.
#include "common/config/dovecot/expand_variables.h"
#include "common/login/login_service.h"
#include "pop3d/pop3-login/engine.h"

namespace mail::pop3_login {
namespace {

class Service : public login::LoginService {
 public:
  Service() : LoginService("pop3") {}

 protected:
  std::unique_ptr<login::Engine> make_engine() override {
    return std::make_unique<Engine>(greeting_);
  }
  Result<> read_settings(const config::dovecot::Settings& s) override {
    greeting_ = TRY(config::dovecot::expand_variables_strictly(
        s.get(config::dovecot::setting::login_greeting), {}));
    return {};
  }

 private:
  std::string greeting_;
};

std::unique_ptr<daemon::DovecotService> make() {
  return std::make_unique<Service>();
}

}  // namespace
}  // namespace mail::pop3_login

int main(int argc, char** argv) {
  return mail::daemon::run_dovecot(
      argc, argv,
      {
          .name = "pop3-login",
          .protocol = "pop3",
          .modules = {"login", "pop3-login", "ssl", "ssl-server", "auth"},
          .make = mail::pop3_login::make,
          .profile = mail::process::Profile::FacesNetwork,
          .clients_at_least = 4000,
      });
}
