#include "smtpd/restrict/restrictions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "common/base/ascii.h"
#include "common/daemon/probe_sender.h"
#include "common/log/log.h"
#include "smtpd/restrict/local_clients.h"
#include "smtpd/restrict/run.h"
#include "smtpd/restrict/unlisted.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

struct StageInfo {
  Stage stage;
  Subject subject;
  param::String list;
};
constexpr size_t kStages = 8;
const StageInfo kInfo[kStages] = {
    {Stage::Client, Subject::Client, param::smtpd_client_restrictions},
    {Stage::Helo, Subject::Helo, param::smtpd_helo_restrictions},
    {Stage::Sender, Subject::Sender, param::smtpd_sender_restrictions},
    {Stage::Relay, Subject::Recipient, param::smtpd_relay_restrictions},
    {Stage::Recipient, Subject::Recipient, param::smtpd_recipient_restrictions},
    {Stage::Data, Subject::Data, param::smtpd_data_restrictions},
    {Stage::EndOfData, Subject::EndOfData,
     param::smtpd_end_of_data_restrictions},
    {Stage::Etrn, Subject::Etrn, param::smtpd_etrn_restrictions},
};

constexpr std::string_view kRelayProtection[] = {
    "reject_unauth_destination", "defer_unauth_destination", "reject", "defer",
    "defer_if_permit",           "check_relay_domains"};

// seen: classes may name each other.
bool protects(const List& list, std::set<const List*>& seen) {
  if (!seen.insert(&list).second) return false;
  for (const Item& item : list) {
    if (item.list && protects(*item.list, seen)) return true;
    if (!item.kind || item.warn) continue;
    for (auto name : kRelayProtection) {
      if (item.kind->name == name) return true;
    }
  }
  return false;
}

class Lists final : public Restrictions {
 public:
  Lists(daemon::Context& context, dns::Resolver& resolver,
        RewriteClient& rewrite)
      : site_(context, resolver, rewrite) {}

  Result<> open_all();

  net::Task<Verdict> check(Stage stage, const Facts& facts,
                           Effects& effects) override;
  net::Task<Verdict> recipient(const Facts& facts, Effects& effects) override;
  net::Task<Verdict> verify_address(const Facts& facts,
                                    Effects& effects) override;
  net::Task<Result<bool>> is_local_client(const Facts& facts) override {
    return local_clients_.match(facts);
  }
  bool has(Stage stage) const override {
    return !lists_[static_cast<size_t>(stage)].empty();
  }

 private:
  const List& list(Stage stage) const {
    return lists_[static_cast<size_t>(stage)];
  }
  bool is_exempt(std::string_view recipient) const {
    // Probes are answered with probes.
    return iequals(recipient, "postmaster") ||
           daemon::is_probe_sender(site_.settings, recipient, time(nullptr));
  }
  /// The list of one stage, and unlisted senders after Sender's.
  net::Task<Outcome> ask(Run& run, Stage stage);
  net::Task<Outcome> ask_delayed(Run& run, bool sender);
  Verdict verdict(Run& run, Outcome outcome) const;

  Site site_;
  LocalClients local_clients_;
  std::array<List, kStages> lists_;
  bool delay_ = true, relay_first_ = true;
  bool unlisted_recipients_ = true, unlisted_senders_ = false;
};

Result<> Lists::open_all() {
  const auto& settings = site_.settings;
  TRY(site_.open());
  TRY(local_clients_.open(site_,
                          settings.get(param::local_header_rewrite_clients)));
  TRY(open_classes(site_));
  for (const auto& info : kInfo) {
    auto& list = lists_[static_cast<size_t>(info.stage)];
    list = TRY(parse_list(site_, settings.get(info.list), info.subject,
                          Tables::Opened));
  }
  delay_ = settings.get(param::smtpd_delay_reject);
  relay_first_ = settings.get(param::smtpd_relay_before_recipient_restrictions);
  unlisted_senders_ = settings.get(param::smtpd_reject_unlisted_sender);
  unlisted_recipients_ = settings.get(param::smtpd_reject_unlisted_recipient);
  auto words = split(settings.get(param::receive_override_options));
  if (std::find(words.begin(), words.end(), "no_unknown_recipient_checks") !=
      words.end()) {
    unlisted_recipients_ = unlisted_senders_ = false;
  }
  std::set<const List*> seen;
  if (!protects(list(Stage::Relay), seen) &&
      !protects(list(Stage::Recipient), seen)) {
    return fail(
        Fault::Config,
        "in parameter smtpd_relay_restrictions or "
        "smtpd_recipient_restrictions, specify at least one working instance "
        "of: reject_unauth_destination, defer_unauth_destination, reject, "
        "defer, defer_if_permit or check_relay_domains");
  }
  return {};
}

net::Task<Outcome> Lists::ask(Run& run, Stage stage) {
  run.stage = stage;
  run.subject = kInfo[static_cast<size_t>(stage)].subject;
  run.warn = false;
  run.defer_if_reject = {};
  Outcome outcome = co_await evaluate(run, list(stage));
  if (outcome != Outcome::Reject && stage == Stage::Sender &&
      unlisted_senders_ && !run.effects.discard) {
    Outcome listed = co_await check_listed(run, Subject::Sender);
    if (listed == Outcome::Reject) outcome = listed;
  }
  co_return outcome;
}

// With smtpd_delay_reject: what was put off.
net::Task<Outcome> Lists::ask_delayed(Run& run, bool sender) {
  for (Stage stage : {Stage::Client, Stage::Helo, Stage::Sender}) {
    bool due =
        !list(stage).empty() || (stage == Stage::Sender && unlisted_senders_);
    if (!due || (stage == Stage::Sender && !sender)) continue;
    if (stage == Stage::Helo && !run.facts.helo) continue;
    Outcome outcome = co_await ask(run, stage);
    if (outcome == Outcome::Reject) co_return outcome;
  }
  co_return Outcome::Dunno;
}

Verdict Lists::verdict(Run& run, Outcome outcome) const {
  Verdict out;
  if (outcome != Outcome::Reject && run.defer_if_permit.code != 0 &&
      !run.effects.discard) {
    log_action(run, "reject", run.defer_if_permit.line());
    run.reply = run.defer_if_permit;
    outcome = Outcome::Reject;
  }
  if (outcome == Outcome::Reject) {
    out.kind = Verdict::Kind::Reject;
    out.reply = std::move(run.reply);
  } else if (outcome == Outcome::Permit) {
    out.kind = Verdict::Kind::Permit;
  }
  return out;
}

net::Task<Verdict> Lists::check(Stage stage, const Facts& facts,
                                Effects& effects) {
  bool early =
      stage == Stage::Client || stage == Stage::Helo || stage == Stage::Sender;
  bool unlisted = stage == Stage::Sender && unlisted_senders_;
  bool delayed = stage == Stage::Etrn && delay_;
  if ((early && delay_) || (early && list(stage).empty() && !unlisted) ||
      (!early && !delayed && list(stage).empty() &&
       effects.defer_if_permit.code == 0)) {
    co_return Verdict{};
  }
  if (effects.discard) co_return Verdict{};
  Run run{.site = site_, .facts = facts, .effects = effects};
  run.defer_if_permit = effects.defer_if_permit;
  if (delayed) {
    Outcome outcome = co_await ask_delayed(run, false);
    if (outcome == Outcome::Reject) co_return verdict(run, outcome);
  }
  Outcome outcome = co_await ask(run, stage);
  if (early) {
    // Kept until a recipient is judged.
    effects.defer_if_permit = std::exchange(run.defer_if_permit, {});
  }
  co_return verdict(run, outcome);
}

net::Task<Verdict> Lists::recipient(const Facts& facts, Effects& effects) {
  Run run{.site = site_, .facts = facts, .effects = effects};
  if (effects.discard || (facts.recipient && is_exempt(*facts.recipient))) {
    co_return Verdict{};
  }
  if (!delay_) run.defer_if_permit = effects.defer_if_permit;
  Outcome outcome = Outcome::Dunno;
  if (delay_) {
    outcome = co_await ask_delayed(run, facts.sender.has_value());
    if (outcome == Outcome::Reject) co_return verdict(run, outcome);
  }
  Stage first = relay_first_ ? Stage::Relay : Stage::Recipient;
  Stage second = relay_first_ ? Stage::Recipient : Stage::Relay;
  for (Stage stage : {first, second}) {
    outcome = co_await ask(run, stage);
    if (outcome == Outcome::Reject) co_return verdict(run, outcome);
  }
  // What was put off counts before what the tables know.
  if (run.defer_if_permit.code != 0) co_return verdict(run, outcome);
  if (unlisted_recipients_ && !effects.discard) {
    Outcome listed = co_await check_listed(run, Subject::Recipient);
    if (listed == Outcome::Reject) outcome = listed;
  }
  co_return verdict(run, outcome);
}

net::Task<Verdict> Lists::verify_address(const Facts& facts, Effects& effects) {
  Verdict out = co_await recipient(facts, effects);
  co_return out;
}

}  // namespace

Result<std::unique_ptr<Restrictions>> Restrictions::open(
    daemon::Context& context, dns::Resolver& resolver, RewriteClient& rewrite) {
  auto lists = std::make_unique<Lists>(context, resolver, rewrite);
  TRY(lists->open_all());
  return std::unique_ptr<Restrictions>(std::move(lists));
}

}  // namespace mail::smtpd::restriction
