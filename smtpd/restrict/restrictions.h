#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/config/postfix/settings.h"
#include "common/daemon/service.h"
#include "common/dns/resolver.h"
#include "common/maps/match_list.h"
#include "common/maps/tables.h"
#include "common/net/task.h"
#include "common/smtp/reply.h"
#include "smtpd/facts.h"
#include "smtpd/rewrite_client.h"

namespace mail::smtpd::restriction {

/// smtpd_*_restrictions, by the moment they are asked at.
enum class Stage {
  Client,
  Helo,
  Sender,
  Relay,
  Recipient,
  Data,
  EndOfData,
  Etrn,
};

/// What access tables and restrictions have ordered beside yes and no.
struct Effects {
  bool hold = false, discard = false;
  std::string filter, redirect;
  std::vector<std::string> bcc, prepend;  ///< prepend: whole header lines
  /// defer_if_permit / defer_if_reject: the reply that takes the place of the
  /// outcome. code 0: not asked for.
  smtp::Reply defer_if_permit, defer_if_reject;
};

struct Verdict {
  enum class Kind { Dunno, Permit, Reject };
  Kind kind = Kind::Dunno;
  smtp::Reply reply;  ///< of Reject; hangup set for HANGUP and 421/521
};

/// Everything the restrictions of one process need, parsed and opened once.
/// Evaluation is a coroutine: it may ask DNS, tables, policy servers and
/// trivial-rewrite. All log lines (reject, reject_warning, hold, discard,
/// filter, redirect, bcc, info, warn, permit) are written here, with the queue
/// id of the facts or NOQUEUE. Source: access(5), postconf(5), Postfix 3.7.
class Restrictions {
 public:
  /// Parses all lists; opens tables, policy clients. Before chroot.
  /// Errors: Config, the texts of `fatal:` (no relay protection, ...).
  static Result<std::unique_ptr<Restrictions>> open(daemon::Context& context,
                                                    dns::Resolver& resolver,
                                                    RewriteClient& rewrite);
  virtual ~Restrictions() = default;

  /// Judges one stage. Effects are added to `effects`, which live as long as
  /// the message does (client, helo and sender effects are kept from one
  /// message of a session to the next by the caller).
  /// Relay and Recipient: in the order that compatibility asks for, then
  /// smtpd_reject_unlisted_recipient: use recipient().
  virtual net::Task<Verdict> check(Stage stage, const Facts& facts,
                                   Effects& effects) = 0;

  /// All of RCPT: (with smtpd_delay_reject) client, helo and sender lists,
  /// relay and recipient lists, unlisted recipients; then defer_if_permit.
  virtual net::Task<Verdict> recipient(const Facts& facts,
                                       Effects& effects) = 0;
  /// VRFY: as RCPT, less what needs a sender.
  virtual net::Task<Verdict> verify_address(const Facts& facts,
                                            Effects& effects) = 0;

  /// local_header_rewrite_clients has this client: its headers are completed.
  /// Errors: of a table that cannot answer.
  virtual net::Task<Result<bool>> is_local_client(const Facts& facts) = 0;

  /// The moment DATA, END-OF-MESSAGE or ETRN has a list at all.
  virtual bool has(Stage stage) const = 0;
};

}  // namespace mail::smtpd::restriction
