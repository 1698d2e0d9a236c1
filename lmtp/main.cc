// lmtp: mail comes home, by LMTP. Started by dovecot's master as root; see
// service.h.
#include "common/daemon/dovecot_service.h"
#include "lmtp/service.h"

namespace {
std::unique_ptr<mail::daemon::DovecotService> make() {
  return std::make_unique<mail::lmtp::Service>();
}
}  // namespace

int main(int argc, char** argv) {
  return mail::daemon::run_dovecot(
      argc, argv,
      {
          .name = "lmtp",
          .protocol = "lmtp",
          .modules = {"lmtp", "lda", "mail", "ssl", "ssl-server", "login"},
          .make = make,
          .profile = mail::process::Profile::ReadsMailbox,
          .keeps_privileges = true,
          .clients_at_least = 500,
          .log_prefix = "lmtp(%p): ",
      });
}
