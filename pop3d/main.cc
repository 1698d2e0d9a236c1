// pop3: mail read by POP3 after login. Started by dovecot's master as root; see
// service.h.
#include "common/daemon/dovecot_service.h"
#include "pop3d/service.h"

namespace {
std::unique_ptr<mail::daemon::DovecotService> make() {
  return std::make_unique<mail::pop3d::Service>();
}
}  // namespace

int main(int argc, char** argv) {
  return mail::daemon::run_dovecot(
      argc, argv,
      {
          .name = "pop3",
          .protocol = "pop3",
          .modules = {"pop3", "mail"},
          .make = make,
          .profile = mail::process::Profile::ReadsMailbox,
          .keeps_privileges = true,
          .clients_at_least = 1000,
          .log_prefix = "pop3(%p): ",
      });
}
