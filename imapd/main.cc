// imap: mail read by IMAP. A person's command, logged in already (preauth.h).
#include "imapd/preauth.h"

int main(int argc, char** argv) {
  return mail::imapd::run_preauthenticated(argc, argv);
}
