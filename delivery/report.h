#pragma once

#include <memory>
#include <string>

#include "common/config/postfix/settings.h"
#include "common/ipc/conversation.h"
#include "common/maps/match_list.h"
#include "common/maps/tables.h"
#include "common/queue/message_stats.h"
#include "delivery/request.h"

namespace mail::delivery {

/// What is the same for all reports of a process: where they go, what is
/// logged. Made before chroot.
class Reporting {
 public:
  explicit Reporting(config::SettingsPtr settings);

  const config::Settings& settings() const { return *settings_; }
  /// ..._delivery_status_filter: of "X.Y.Z text" makes another.
  void set_filter(maps::Tables filter) { filter_ = std::move(filter); }
  /// Mail for these domains is noted for ETRN (fast_flush_domains).
  void set_flush_domains(maps::MatchList domains) {
    flush_domains_ = std::move(domains);
  }

 private:
  friend class Report;
  config::SettingsPtr settings_;
  ipc::Client bounce_, defer_, trace_, verify_, flush_;
  maps::Tables filter_;
  maps::MatchList flush_domains_;
  bool external_form_;
  bool soft_bounce_;
  int delay_digits_;
};

/// Says what became of each recipient of one request: a log line, the bounce,
/// defer, trace or verify service, the mark in the queue file.
class Report {
 public:
  Report(Reporting& reporting, Request& request)
      : reporting_(reporting), request_(request) {}

  /// What an agent knows of one recipient's delivery.
  struct Outcome {
    const ipc::Recipient* recipient = nullptr;
    std::string relay = "none";
    queue::MessageStats stats;  ///< conn_setup_done, deliver_done, reuse_count
    ipc::Dsn dsn;               ///< status, reason, and what the peer said
    bool filtered = false;      ///< a status filter has had its say
    bool passed_on = false;     ///< the next host was asked for the DSN
  };
  /// An outcome at this moment for `recipient`.
  Outcome outcome(const ipc::Recipient& recipient, std::string status,
                  std::string reason) const;

  net::Task<> sent(Outcome outcome);
  net::Task<> deferred(Outcome outcome);
  /// Deferred instead when soft_bounce says so or the bounce log fails.
  net::Task<> bounced(Outcome outcome);
  /// By the first digit of the status: 4 deferred, 5 bounced, else sent.
  net::Task<> by_status(Outcome outcome);

  /// Crosses it off in the queue file. For agents that report several ends of
  /// one recipient: those have offset 0, and this comes after the last.
  void mark_done(const ipc::Recipient& recipient);

  /// Another agent, that was given a recipient, could not yet deliver.
  void set_deferred() { deferred_ = true; }

  /// 0, or -1 when a recipient must be tried again.
  int status() const { return deferred_ ? -1 : 0; }

 private:
  net::Task<> filtered(Outcome& outcome);
  net::Task<> probed(const Outcome& outcome, int verdict,
                     std::string_view word);
  net::Task<bool> append(ipc::Client& client, const Outcome& outcome);
  net::Task<bool> append_trace(Outcome outcome);
  net::Task<> note_for_flush(const ipc::Recipient& recipient);
  void log(const Outcome& outcome, std::string_view word);
  std::string shown(const std::string& address) const;

  Reporting& reporting_;
  Request& request_;
  bool deferred_ = false;
};

}  // namespace mail::delivery
