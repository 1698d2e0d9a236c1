#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "common/mailbox/registry.h"
#include "common/mailbox/storage.h"

namespace mail::imapd {

/// What imap reads of dovecot.conf, for one user.
struct Config {
  size_t max_line_length = 65536;  ///< imap_max_line_length
  std::string capability;          ///< imap_capability
  bool literal_minus = false;      ///< imap_literal_minus
  std::string id_send = "name *";  ///< imap_id_send
  std::string id_log;              ///< imap_id_log
  /// imap_logout_format
  std::string logout_format =
      "in=%i out=%o deleted=%{deleted} expunged=%{expunged} "
      "trashed=%{trashed} hdr_count=%{fetch_hdr_count} "
      "hdr_bytes=%{fetch_hdr_bytes} body_count=%{fetch_body_count} "
      "body_bytes=%{fetch_body_bytes}";
  std::chrono::seconds idle_notify_interval{120};
  bool tb_lsub_flags = false;  ///< imap_client_workarounds
  /// What else of imap_client_workarounds is set; told to the log.
  std::string unbuilt_workarounds;
  bool compress = false;          ///< mail_plugins has imap_zlib
  bool quota = false;             ///< mail_plugins has imap_quota
  int compress_level = 6;         ///< plugin/imap_zlib_compress_level
  bool fetch_failure_no = false;  ///< imap_fetch_failure = no-after
};

/// Whom a session is for.
struct Account {
  std::string user;
  std::string session_id;
  std::string local_ip, remote_ip;
  Config config;
  mailbox::UserSettings mail;
};

enum class Severity { Debug, Info, Warning, Error };
/// Takes a line without prefix.
using Log = std::function<void(Severity, std::string_view)>;

/// The same for the mailbox store's lines.
inline auto mailbox_log(Log log) {
  return [log = std::move(log)](mailbox::UserSettings::Severity severity,
                                std::string_view text) {
    using Kind = mailbox::UserSettings::Severity;
    log(severity == Kind::Info      ? Severity::Info
        : severity == Kind::Warning ? Severity::Warning
                                    : Severity::Error,
        text);
  };
}

}  // namespace mail::imapd
