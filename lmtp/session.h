#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/auth/master_client.h"
#include "common/config/dovecot/settings.h"
#include "common/daemon/user_workers.h"
#include "common/net/address.h"
#include "common/net/stream.h"
#include "common/smtp/server_engine.h"
#include "common/tls/server_context.h"
#include "lmtp/job.h"
#include "lmtp/path.h"
#include "lmtp/spool.h"

namespace mail::lmtp {

/// What all LMTP connections of root's part have in common.
struct Shared {
  config::dovecot::SettingsPtr settings;
  std::string hostname, greeting, temp_directory;
  auth::MasterClient* auth = nullptr;
  daemon::UserWorkers* workers = nullptr;
  tls::ServerContext* tls = nullptr;  ///< null: no STARTTLS
  std::vector<gid_t> own_groups;
  /// Deliveries at this moment, by user (lmtp_user_concurrency_limit).
  std::map<std::string, unsigned> deliveries;
  unsigned session_count = 0;
};

/// One LMTP client (RFC 2033), with Dovecot's replies. Runs as root and
/// touches no mailbox: users' processes save (lmtp/deliver.h).
class Session {
 public:
  Session(Shared& shared, net::Stream stream);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  net::Task<> serve();

 private:
  struct Recipient {
    JobRecipient job;
    std::string orcpt;
    daemon::Identity who;
    JobAnswer answer;
  };
  struct Group;

  net::Task<std::string> converse();
  net::Task<std::optional<smtp::Reply>> on(smtp::Command command);
  smtp::Reply on_refused(const smtp::Refused& refused);
  smtp::Reply on_helo(const smtp::Helo& helo);
  smtp::Reply on_mail();
  net::Task<smtp::Reply> on_rcpt();
  smtp::Reply on_data();
  net::Task<> on_body_end();
  net::Task<> deliver_group(Group* group);
  net::Task<bool> begin_tls();
  net::Task<bool> flush();
  void take_lines(const smtp::BodyLines& lines);
  void end_transaction();
  std::string transaction_id() const;
  std::string headers_for(const Recipient& recipient) const;
  smtp::Reply user_reply(int code, std::string_view status,
                         const PathCommand& path, std::string_view text) const;
  const char* state_name() const;

  Shared& shared_;
  net::Stream stream_;
  smtp::ServerEngine engine_;
  net::Endpoint local_end_, remote_end_;
  std::string peer_, helo_, session_, tls_text_;
  config::dovecot::SettingsPtr settings_;

  bool in_mail_ = false, in_data_ = false, spool_failed_ = false;
  std::string sender_;
  std::vector<Recipient> recipients_;
  unsigned transaction_ = 0, rcpt_commands_ = 0, bad_commands_ = 0;
  std::unique_ptr<Spool> spool_;
};

}  // namespace mail::lmtp
