#pragma once

namespace mail::imapd {

/// imap as a command: one conversation over standard input and output, logged
/// in already as $USER ("* PREAUTH"), as `ssh host imap` and mutt's tunnels use
/// it. Options: -c FILE, -o SETTING=VALUE. The log goes to standard error.
/// Returns the exit status.
int run_preauthenticated(int argc, char** argv);

}  // namespace mail::imapd
