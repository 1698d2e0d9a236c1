#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ipc/rewrite.h"
#include "smtpd/restrict/restrictions.h"
#include "smtpd/restrict/site.h"

namespace mail::smtpd::restriction {

enum class Outcome { Dunno, Permit, Reject };

/// What a restriction looks at: how it is named in replies.
enum class Subject {
  Client,
  ReverseClient,
  Helo,
  Sender,
  Recipient,
  Etrn,
  Ccert,
  Sasl,
  Data,
  EndOfData,
};

struct Item;
using List = std::vector<Item>;

/// One evaluation: what the items work on.
struct Run {
  Site& site;
  const Facts& facts;
  Effects& effects;
  Stage stage = Stage::Recipient;
  Subject subject = Subject::Recipient;  ///< of the list being asked
  bool warn = false;                     ///< under warn_if_reject
  int depth = 0;                         ///< of classes
  smtp::Reply reply;                     ///< of Outcome::Reject
  smtp::Reply defer_if_permit{}, defer_if_reject{};
  std::optional<ipc::ResolveReply> recipient_route{};
  bool unlisted_recipient_done = false, unlisted_sender_done = false;
};

using Now = Outcome (*)(Run&, const Item&);
using Later = net::Task<Outcome> (*)(Run&, const Item&);

enum class Argument { None, Number, Table, Domain, OptionalDomain, Policy };

/// A restriction as postconf(5) names it. One of now and later is set.
struct Kind {
  std::string_view name;
  Argument argument = Argument::None;
  Now now = nullptr;
  Later later = nullptr;
  Subject subject = Subject::Client;  ///< what it is about, where it matters
  bool last = false;                  ///< what follows in a list is ignored
};

/// One restriction of a list, ready for use.
struct Item {
  const Kind* kind = nullptr;
  std::string name;  ///< as written
  bool warn = false;
  std::string argument;
  long number = 0;
  maps::Tables* table = nullptr;  ///< of the Site
  PolicyClient* policy = nullptr;
  std::vector<std::vector<uint8_t>> filter{};  ///< see dnsbl.h
  const List* list = nullptr;                  ///< of a class, the Site's
  std::vector<std::string> complaints{};       ///< of what cannot work
};

// ---- outcome.cc: how restrictions end.

/// "<a@example.org>", "NAME[ADDR]" and "Sender address", "Client host".
std::string subject_name(const Run& run, Subject subject);
std::string_view subject_class(Subject subject);
/// "<a@example.org>: Sender address rejected: TEXT"
std::string rejected(const Run& run, Subject subject, std::string_view text);

/// Logs and sets run.reply; under warn_if_reject only logs (Dunno).
/// status: its first digit becomes the code's; sender statuses are mapped to
/// recipient ones and so on.
Outcome reject(Run& run, Subject subject, long code, std::string_view status,
               std::string text);
/// Remembers the reply for the end; under warn_if_reject logs.
Outcome defer_if_permit(Run& run, Subject subject, long code,
                        std::string_view status, std::string text);
Outcome defer_if_reject(Run& run, Subject subject, long code,
                        std::string_view status, std::string text);
/// What *_tempfail_action says: defer_if_permit or defer.
Outcome defer_by_action(Run& run, std::string_view action, Subject subject,
                        std::string_view status, std::string text,
                        long code = 450);
/// 451 4.3.5 Server configuration error.
Outcome misconfigured(Run& run);
/// The same, of a table: <X>: CLASS rejected: Server configuration error.
Outcome table_failed(Run& run, Subject subject);
/// 451 4.3.0 <X>: Temporary lookup failure.
Outcome lookup_failed(Run& run, Subject subject);
/// Logged if smtpd_log_access_permit_actions asks for it.
Outcome permit(Run& run, std::string_view action);
Outcome permit(Run& run, std::string_view action, Subject subject,
               std::string_view table);
/// A line `VERB: CMD from X: TEXT; from=...`.
void log_action(const Run& run, std::string_view verb, std::string_view text);

// ---- evaluate.cc

/// Asks item after item until one decides.
net::Task<Outcome> evaluate(Run& run, const List& list);
/// Resolved by trivial-rewrite; the recipient's answer is kept in the run.
net::Task<Result<ipc::ResolveReply>> route(Run& run, Subject subject);

// ---- parse.cc

/// Whether tables and policy servers may be named: not by a table's entry.
enum class Tables { Opened, Refused };
/// Parses smtpd_restriction_classes into site.classes. Errors: Config.
Result<> open_classes(Site& site);
/// Parses a list as in main.cf; opens tables and policy clients.
/// subject: whose table one without check_X_access is. Errors: Config.
Result<List> parse_list(Site& site, std::string_view text, Subject subject,
                        Tables tables);

// ---- access.cc

/// Does what an access table, or a policy server, has answered.
/// table: its name; key: what was found; subject: whom replies speak of.
net::Task<Outcome> apply_action(Run& run, std::string table, std::string key,
                                std::string value, Subject subject);

}  // namespace mail::smtpd::restriction
