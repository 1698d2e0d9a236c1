#pragma once

#include <optional>
#include <string>

#include "common/config/dovecot/expand_variables.h"
#include "common/config/dovecot/settings.h"
#include "common/daemon/user_workers.h"
#include "common/ipc/tabbed.h"
#include "common/mailbox/storage.h"

namespace mail::login {

/// A user whose mailboxes are to be opened: after a login, or for a delivery.
struct MailUser {
  std::string name;       ///< as auth says
  ipc::TabFields fields;  ///< of the user database: uid, gid, home, mail...
  std::string service;    ///< "imap", "pop3", "lmtp", "lda"
  std::string session;
  std::string local_ip, remote_ip;
  std::string hostname;
  config::dovecot::SettingsPtr settings;

  /// Absolute, or empty: from the user database, else mail_home.
  Result<std::string> home() const;
  /// %u %n %d %s %h %l %r %p %i %{session} and so on, as mail processes know
  /// them. Views into `this` and the returned object.
  std::string expand(std::string_view text, std::string* problem) const;
  /// mail_log_prefix: "imap(alice)<4711><755/H/1gHr9/AAAB>: ".
  std::string log_prefix() const;
};

/// The ids that a process for this user has: uid and gid (else mail_uid,
/// mail_gid), groups of system_groups_user, mail_access_groups and
/// `own_groups`, mail_privileged_group to be had for dot locks, chroot.
/// Errors: Config, in the original's words ("Mail access for users with UID
/// 100 not permitted (see first_valid_uid ...).").
Result<daemon::Identity> identity_of(const MailUser& user,
                                     const std::vector<gid_t>& own_groups);

/// mail_location, namespaces and options for mailbox::Storage; the process
/// has become the user. Errors: Config, in the original's words.
Result<mailbox::UserSettings> storage_settings(const MailUser& user);

}  // namespace mail::login
