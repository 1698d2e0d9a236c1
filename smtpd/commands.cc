#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/ipc/flush.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"

namespace mail::smtpd {

using smtp::Reply;
using smtp::Verb;

void Session::count(Verb verb, const Reply& reply) {
  Count& count = counts_[static_cast<size_t>(verb)];
  ++count.all;
  if (reply.positive()) ++count.good;
  if (unfinished_ == verb) unfinished_.reset();
}

Reply Session::too_many_errors() {
  too_many_errors_ = true;
  closing_ = true;
  return smtp::hangup({421, "4.7.0", config_.host + " Error: too many errors"});
}

void Session::log_action(std::string_view verb, std::string_view text) {
  log::info(log_lines::action(facts_, verb, text, config_.external_form));
}

Reply Session::local_error(std::string_view why) {
  log::warning(fmt::format("{}: {}", facts_.client.name_addr, why));
  wrongs_ |= smtp::kNotifyData;
  Reply reply(451, "4.3.0", "Temporary lookup failure");
  return reply;
}

Reply Session::refused_by(const restriction::Verdict& verdict) {
  wrongs_ |= verdict.reply.status.starts_with("4.3.") ? smtp::kNotifyData
                                                      : smtp::kNotifyPolicy;
  if (verdict.reply.hangup) closing_ = true;
  return verdict.reply;
}

/// The reply goes out with the others of the same read, unless the client has
/// erred too often: then it waits.
net::Task<> Session::answer(Reply reply) {
  bool error = reply.code >= 400;
  if (error) {
    ++errors_;
    reply = co_await dressed(std::move(reply));
  }
  if (config_.notify_classes) transcript_.out(reply.line());
  if (errors_ >= config_.hard_errors && error) {
    engine_.answer(reply);
    co_await say(too_many_errors());
    co_return;
  }
  if (errors_ > config_.soft_errors &&
      config_.error_sleep > std::chrono::seconds(0)) {
    co_await net::sleep(config_.error_sleep);
  }
  if (reply.hangup) closing_ = true;
  engine_.answer(reply);
}

net::Task<Reply> Session::answer_to(smtp::Command& command) {
  // One await a statement, of the task that the kind of command makes.
  net::Task<Reply> task =
      std::visit([this](auto& c) { return run(c); }, command);
  auto reply = co_await task;
  co_return reply;
}

/// The first time that commands came too early.
void Session::note_pipelining() {
  if (!config_.postdrop.empty()) return;  // programs write all at once
  if (facts_.improper_pipelining || !engine_.improper_pipelining() ||
      engine_.verb() == Verb::Unknown) {
    return;
  }
  facts_.improper_pipelining = true;
  log::info(
      log_lines::improper_pipelining(facts_.client, where_, engine_.unread()));
}

net::Task<> Session::on(smtp::Command& command) {
  Verb verb = engine_.verb();
  facts_.command = smtp::verb_name(verb);
  where_ = facts_.command;
  quiet_loss_ = verb == Verb::Quit || verb == Verb::Rset;
  note_pipelining();
  note_command(verb);
  if (config_.forbid_unauth_pipelining && engine_.improper_pipelining() &&
      !engine_.esmtp()) {
    closing_ = true;
    wrongs_ |= smtp::kNotifyProtocol;
    Reply refusal(554, "5.5.0", "Error: SMTP protocol synchronization");
    co_await answer(smtp::hangup(std::move(refusal)));
    co_return;
  }
  auto reply = co_await answer_to(command);
  bool handshake = verb == Verb::StartTls && reply.code == 220;
  bool multi_step = verb == Verb::Auth && reply.code == 334;
  bool content =
      (verb == Verb::Data || verb == Verb::Bdat) && reply.code == 354;
  if ((verb == Verb::Unknown && closing_) || reborn_) {
    ++counts_[static_cast<size_t>(verb)].all;  // said good-bye, not yes
  } else if (multi_step || content) {
    unfinished_ = verb;
  } else {
    count(verb, reply);
  }
  static constexpr Verb kJunk[] = {Verb::Helo, Verb::Ehlo, Verb::Rset,
                                   Verb::Noop, Verb::Vrfy, Verb::Etrn};
  if (std::find(std::begin(kJunk), std::end(kJunk), verb) != std::end(kJunk) &&
      ++junk_ > config_.junk_commands) {
    ++errors_;
  }
  co_await answer(std::move(reply));
  if (std::exchange(reborn_, false)) engine_.reset_session();
  if (!handshake) co_return;
  auto sent = co_await send_pending();
  auto started = sent;
  if (sent) started = co_await start_tls();
  if (!started) {
    lost_ = true;
    closing_ = true;
    co_return;
  }
  engine_.tls_started();
  engine_.set_tls_required(false);
  // RFC 3207, 4.2: what was said in clear is forgotten.
  facts_.helo.reset();
  facts_.sasl_method.clear();
  facts_.sasl_username.clear();
  co_await reset_transaction();
}

net::Task<> Session::on(smtp::Refused& refused) {
  note_command(refused.verb);
  wrongs_ |= smtp::kNotifyProtocol;
  facts_.command = smtp::verb_name(refused.verb);
  where_ = facts_.command;
  note_pipelining();
  quiet_loss_ = false;
  Reply reply = refused.reply;
  if (refused.verb == Verb::StartTls && config_.tls_level == TlsLevel::None) {
    reply = {502, "5.5.1", "Error: command not implemented"};
  } else if (refused.verb == Verb::Auth && !config_.sasl) {
    reply = {503, "5.5.1", "Error: authentication not enabled"};
  }
  if (reply.status == "5.1.7" || reply.status == "5.1.3") {
    size_t colon = engine_.line().find(':');
    log::warning(log_lines::illegal_address(
        facts_.client, facts_.command,
        colon == std::string::npos
            ? ""
            : trim(std::string_view(engine_.line()).substr(colon + 1))));
  }
  // An empty line is no command.
  bool no_command =
      refused.verb == Verb::Unknown && reply.text.starts_with("Error: bad ");
  if (!no_command) count(refused.verb, reply);
  co_await answer(std::move(reply));
}

net::Task<> Session::find_discards() {
  discards_ = config_.discard_ehlo;
  if (config_.discard_ehlo_maps.empty()) co_return;
  auto found =
      co_await config_.discard_ehlo_maps.find(facts_.client.address_text);
  if (!found || !*found) co_return;
  discards_.clear();
  for (auto word : split((*found)->value)) discards_.push_back(lower(word));
}

std::string Session::ehlo_text() {
  std::string out = config_.host;
  auto discarded = [&](std::string_view keyword) {
    return std::any_of(discards_.begin(), discards_.end(),
                       [&](const auto& d) { return iequals(d, keyword); });
  };
  auto add = [&](std::string_view keyword, std::string_view rest = {}) {
    if (discarded(keyword)) return;
    out.append("\n").append(keyword);
    if (!rest.empty()) out.append(" ").append(rest);
  };
  add("PIPELINING");
  add("SIZE",
      config_.message_size > 0 ? fmt::to_string(config_.message_size) : "");
  if (!config_.disable_vrfy) add("VRFY");
  add("ETRN");
  if (tls_offered()) add("STARTTLS");
  for (const auto& line : auth_lines_) {
    if (!discarded("AUTH")) out.append("\n").append(line);
  }
  if (xclient_) {
    add("XCLIENT",
        "NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT");
  }
  if (xforward_) add("XFORWARD", "NAME ADDR PROTO HELO SOURCE PORT IDENT");
  add("ENHANCEDSTATUSCODES");
  add("8BITMIME");
  if (!discarded("DSN")) add("DSN");
  if (config_.smtputf8) add("SMTPUTF8");
  add("CHUNKING");
  return out;
}

net::Task<Reply> Session::run(smtp::Helo& helo) {
  co_await reset_transaction();
  forwarded_.reset();
  trim_transcript();
  facts_.helo = helo.name;
  bool extended = helo.verb == Verb::Ehlo;
  facts_.protocol = extended ? "ESMTP" : "SMTP";
  if (!config_.delay_reject) {
    auto verdict = co_await config_.restrictions->check(
        restriction::Stage::Helo, facts_, session_effects_);
    if (verdict.kind == restriction::Verdict::Kind::Reject) {
      co_return refused_by(verdict);
    }
  }
  // A filter that refuses here lets EHLO itself pass: MAIL fails then.
  bool rejected = false;
  if (!filters_.empty() && !filter_verdict_) {
    auto source = macros();
    auto verdict = co_await filters_.helo(helo.name, source);
    if (!verdict.goes_on()) {
      auto refusal = obey(verdict);
      if (refusal) {
        filter_verdict_ = verdict;
        rejected = true;
        if (!extended) co_return *refusal;
        if (refusal->hangup) co_return *refusal;
      }
    }
  }
  if (!extended) co_return Reply(250, "", config_.host);
  if (rejected) {
    co_return Reply(250, "", config_.host + "\nENHANCEDSTATUSCODES");
  }
  co_await find_discards();
  auth_lines_.clear();
  auto offered = co_await mechanisms();
  if (!offered.empty() && facts_.sasl_method.empty()) {
    std::string list = join(offered, " ");
    auth_lines_.push_back("AUTH " + list);
    if (config_.broken_auth) auth_lines_.push_back("AUTH=" + list);
  }
  engine_.set_options(command_options());
  co_return Reply(250, "", ehlo_text());
}

net::Task<Reply> Session::run(smtp::Rset&) {
  co_await reset_transaction();
  forwarded_.reset();
  trim_transcript();
  co_return Reply(250, "2.0.0", "Ok");
}

net::Task<Reply> Session::run(smtp::Noop&) {
  co_return Reply(250, "2.0.0", "Ok");
}

net::Task<Reply> Session::run(smtp::Quit&) {
  co_return Reply(221, "2.0.0", "Bye");
}

net::Task<Reply> Session::run(smtp::Vrfy& vrfy) {
  if (config_.disable_vrfy) {
    co_return Reply(502, "5.5.1", "VRFY command is disabled");
  }
  Facts facts = facts_;
  facts.recipient = vrfy.address;
  auto bad = co_await check_address("", vrfy.address, "VRFY", vrfy.text);
  if (bad) co_return *bad;
  restriction::Effects effects;
  auto verdict = co_await config_.restrictions->verify_address(facts, effects);
  if (verdict.kind == restriction::Verdict::Kind::Reject) {
    co_return refused_by(verdict);
  }
  co_return Reply(252, "2.0.0", vrfy.text);
}

net::Task<Reply> Session::run(smtp::Etrn& etrn) {
  std::string domain = etrn.domain;
  if (domain.starts_with('@') || domain.starts_with('#')) domain.erase(0, 1);
  if (!mime::is_domain(domain) && !mime::is_domain_literal(domain)) {
    co_return Reply(501, "", "Error: invalid parameter syntax");
  }
  facts_.etrn_domain = domain;
  auto verdict = co_await config_.restrictions->check(restriction::Stage::Etrn,
                                                      facts_, session_effects_);
  if (verdict.kind == restriction::Verdict::Kind::Reject) {
    co_return refused_by(verdict);
  }
  ipc::FlushRequest request;
  request.request = "send_site";
  request.site = domain;
  auto status = co_await config_.flush->ask<ipc::Status>(request);
  if (!status) {
    log::warning(status.error().what);
    co_return Reply(458, "", "Unable to queue messages");
  }
  constexpr int kOk = 0, kDeny = 4, kBad = 3;
  switch (status->status) {
    case kOk:
      co_return Reply(250, "", "Queuing started");
    case kDeny:
      log::warning(fmt::format("reject: ETRN {}... from {}", domain,
                               facts_.client.name_addr));
      co_return Reply(459, "",
                      fmt::format("<{}>: service unavailable", domain));
    case kBad:
      log::warning(fmt::format("bad ETRN {}... from {}", domain,
                               facts_.client.name_addr));
      co_return Reply(458, "", "Unable to queue messages");
    default:
      co_return Reply(458, "", "Unable to queue messages");
  }
}

bool Session::is_forbidden(const smtp::Unknown& unknown) const {
  if (unknown.header_like) return true;
  std::string verb = upper(unknown.verb);
  for (const auto& forbidden : config_.forbidden_commands) {
    if (verb == forbidden) return true;
  }
  return false;
}

net::Task<Reply> Session::run(smtp::Unknown& unknown) {
  std::string verb = upper(unknown.verb);
  for (const auto& name : config_.noop_commands) {
    if (verb == name) co_return Reply(250, "2.0.0", "Ok");
  }
  bool forbidden = is_forbidden(unknown);
  if (!forbidden && !config_.forbidden_patterns.empty()) {
    auto found = co_await config_.forbidden_patterns.find(engine_.line());
    forbidden = found && *found;
  }
  if (forbidden) {
    log::warning(log_lines::non_smtp_command(facts_.client, engine_.line()));
    closing_ = true;
    co_return smtp::hangup(
        {221, "2.7.0", "Error: I can break rules, too. Goodbye."});
  }
  facts_.command = "UNKNOWN";
  wrongs_ |= smtp::kNotifyProtocol;
  if (!filters_.empty() && !filter_verdict_) {
    auto source = macros();
    auto verdict = co_await filters_.unknown(engine_.line(), source);
    auto refusal = obey(verdict);
    if (refusal) co_return *refusal;
  }
  co_return Reply(500, "5.5.2", "Error: command not recognized");
}

}  // namespace mail::smtpd
