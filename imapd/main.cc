// imap: mail read by IMAP after login. Started by dovecot's master as root (see
// service.h), or by a person, logged in already (see preauth.h).
#include <cstdlib>

#include "common/daemon/dovecot_service.h"
#include "imapd/preauth.h"
#include "imapd/service.h"

namespace {
std::unique_ptr<mail::daemon::DovecotService> make() {
  return std::make_unique<mail::imapd::Service>();
}
}  // namespace

int main(int argc, char** argv) {
  if (!std::getenv("DOVECOT_CHILD_PROCESS")) {
    return mail::imapd::run_preauthenticated(argc, argv);
  }
  return mail::daemon::run_dovecot(
      argc, argv,
      {
          .name = "imap",
          .protocol = "imap",
          .modules = {"imap", "mail"},
          .make = make,
          .profile = mail::process::Profile::ReadsMailbox,
          .keeps_privileges = true,
          .clients_at_least = 1000,
          .log_prefix = "imap(%p): ",
      });
}
