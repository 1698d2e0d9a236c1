// dovecot-lda: delivers one message to a user's mailbox, for mail systems that
// run a command. Source: dovecot-lda(1).
#include "lmtp/dovecot-lda/delivery.h"
#include "lmtp/dovecot-lda/log.h"
#include "lmtp/dovecot-lda/options.h"

int main(int argc, char** argv) {
  auto options = mail::lda::parse_options(argc, argv);
  if (!options) {
    mail::lda::tell(options.error().what + "\n" + mail::lda::kUsage);
    return mail::lda::kUsageError;
  }
  return mail::lda::deliver(*options);
}
