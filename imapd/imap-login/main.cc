// imap-login: IMAP until a client is known (common/login). Meets strangers as
// dovenull in a jail, serves all of them in one process.
#include "common/base/ascii.h"
#include "common/config/dovecot/expand_variables.h"
#include "common/login/login_service.h"
#include "imapd/imap-login/engine.h"
#include "imapd/imap-login/id.h"

namespace mail::imap_login {
namespace {

namespace setting = config::dovecot::setting;

/// imap_capability: all words of it, or more words with '+' in front.
void set_capability(Texts& texts, const std::string& text) {
  if (text.empty()) return;
  if (text[0] != '+') {
    texts.capability = text;
    return;
  }
  for (auto word : split(std::string_view(text).substr(1), " ")) {
    texts.capability += " ";
    texts.capability += word;
  }
}

class Service : public login::LoginService {
 public:
  Service() : LoginService("imap") {}

 protected:
  std::unique_ptr<login::Engine> make_engine() override {
    return std::make_unique<Engine>(texts_);
  }
  Result<> read_settings(const config::dovecot::Settings& s) override {
    texts_.greeting = TRY(config::dovecot::expand_variables_strictly(
        s.get(setting::login_greeting), {}));
    if (s.get(setting::imap_literal_minus)) {
      auto at = texts_.capability.find("LITERAL+");
      if (at != std::string::npos) texts_.capability.replace(at, 8, "LITERAL-");
    }
    set_capability(texts_, s.get(setting::imap_capability));
    texts_.id = id_reply(s.get(setting::imap_id_send));
    return {};
  }

 private:
  Texts texts_;
};

std::unique_ptr<daemon::DovecotService> make() {
  return std::make_unique<Service>();
}

}  // namespace
}  // namespace mail::imap_login

int main(int argc, char** argv) {
  return mail::daemon::run_dovecot(
      argc, argv,
      {
          .name = "imap-login",
          .protocol = "imap",
          .modules = {"login", "imap-login", "ssl", "ssl-server", "auth"},
          .make = mail::imap_login::make,
          .profile = mail::process::Profile::FacesNetwork,
          .clients_at_least = 4000,
      });
}
