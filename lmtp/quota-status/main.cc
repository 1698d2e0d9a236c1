// quota-status: tells Postfix (check_policy_service) whose mailbox is full.
// Started by dovecot's master as root; see service.h.
#include "common/daemon/dovecot_service.h"
#include "lmtp/quota-status/service.h"

namespace {
std::unique_ptr<mail::daemon::DovecotService> make() {
  return std::make_unique<mail::quota_status::Service>();
}
}  // namespace

int main(int argc, char** argv) {
  return mail::daemon::run_dovecot(
      argc, argv,
      {
          .name = "quota-status",
          .protocol = "quota-status",
          .modules = {"lmtp", "lda", "mail", "login"},
          .make = make,
          .profile = mail::process::Profile::ReadsMailbox,
          .keeps_privileges = true,
          .clients_at_least = 500,
          .log_prefix = "quota-status(%p): ",
      });
}
