#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/utf8.h"
#include "common/ipc/rewrite.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"

namespace mail::smtpd {

using smtp::Reply;

namespace {

/// Free bytes of the queue's file system, looked at once a second.
int64_t free_space() {
  static Instant looked{};
  static int64_t bytes = 0;
  Instant now = Clock::now();
  if (now - looked > std::chrono::seconds(1)) {
    struct statvfs info;
    bytes = statvfs(".", &info) == 0 ? static_cast<int64_t>(info.f_bavail) *
                                           static_cast<int64_t>(info.f_frsize)
                                     : 0;
    looked = now;
  }
  return bytes;
}

std::string new_instance() {
  static unsigned sequence = 0;
  timeval now{};
  gettimeofday(&now, nullptr);
  return fmt::format("{:x}.{:x}.{:x}.{:x}", getpid(), now.tv_sec, now.tv_usec,
                     sequence++);
}

}  // namespace

net::Task<> Session::reset_transaction() {
  bool begun = facts_.sender.has_value();
  transaction_.abandon();
  transaction_ = Transaction(config_);
  if (proxy_) co_await proxy_->quit();
  proxy_.reset();
  facts_.sender.reset();
  facts_.recipient.reset();
  facts_.recipient_count = 0;
  facts_.queue_id.clear();
  facts_.size = 0;
  if (begun && !filters_.empty()) co_await filters_.abort();
}

/// Before the restrictions: what trivial-rewrite cannot make sense of.
net::Task<std::optional<Reply>> Session::check_address(
    const std::string& sender, const std::string& address,
    std::string_view command, const std::string& text) {
  std::string verb(command);
  if (address.empty() || !config_.rewrite) co_return std::nullopt;
  auto resolved = co_await config_.rewrite->resolve(sender, address);
  if (!resolved) {
    log::warning(resolved.error().what);
    co_return Reply(451, "4.3.0",
                    fmt::format("<{}>: Temporary lookup failure",
                                mime::quote_local(address)));
  }
  if (!(resolved->flags & ipc::resolve_flag::kError)) co_return std::nullopt;
  wrongs_ |= smtp::kNotifyProtocol;
  log::warning(log_lines::illegal_address(facts_.client, verb, text));
  bool is_sender = verb == "MAIL";
  co_return Reply(
      501, is_sender ? "5.1.7" : "5.1.3",
      is_sender ? "Bad sender address syntax" : "Bad recipient address syntax");
}

std::optional<Reply> Session::check_room(const smtp::Mail& mail) {
  if (config_.message_size > 0 && mail.size &&
      *mail.size > config_.message_size) {
    wrongs_ |= smtp::kNotifyPolicy;
    return Reply(552, "5.3.4", "Message size exceeds fixed limit");
  }
  int64_t free = free_space();
  auto need = std::max<int64_t>(
      config_.queue_minfree, config_.message_size + config_.message_size / 2);
  if (config_.message_size > 0 && free < need) {
    log::warning(
        fmt::format("not enough free space in mail queue: {} bytes < "
                    "1.5*message size limit",
                    free));
    wrongs_ |= smtp::kNotifyResource;
    return Reply(452, "4.3.1", "Insufficient system storage");
  }
  return std::nullopt;
}

net::Task<Reply> Session::run(smtp::Mail& mail) {
  Reply refusal(450, "4.7.1",
                "Error: too much mail from " + facts_.client.address_text);
  auto refused = co_await over_rate("message", config_.message_rate,
                                    "Message delivery request", refusal);
  if (refused) co_return *refused;
  if (!mail.smtputf8 && config_.smtputf8 && !is_ascii(mail.address)) {
    co_return Reply(553, "5.6.7",
                    "Must declare SMTPUTF8 to send unicode address");
  }
  co_await reset_transaction();
  facts_.sender = mail.address;
  facts_.size = mail.size.value_or(0);
  facts_.instance = new_instance();
  if (mail.auth && *mail.auth != "<>") facts_.sasl_sender = *mail.auth;
  auto forget = [this](Reply reply) {
    facts_.sender.reset();
    return reply;
  };
  auto bad = co_await check_address("", mail.address, "MAIL", mail.text);
  if (bad) co_return forget(*bad);
  if (auto full = check_room(mail)) co_return forget(*full);
  if (filter_verdict_) {
    auto reply = obey(*filter_verdict_);
    if (reply) co_return forget(*reply);
  }
  if (!filters_.empty()) {
    co_await learn_mailer(mail.address, "mail");
    std::vector<std::string> arguments{fmt::format("<{}>", mail.text)};
    if (mail.text.starts_with('<')) arguments[0] = mail.text;
    for (auto& parameter : parameters_of(engine_.line())) {
      arguments.push_back(std::move(parameter));
    }
    auto source = macros();
    auto verdict = co_await filters_.mail(std::move(arguments), source);
    auto reply = obey(verdict);
    if (reply) co_return forget(*reply);
  }
  transaction_.mail = mail;
  mail_line_ = engine_.line();
  transaction_.effects = session_effects_;
  if (!config_.delay_reject) {
    auto verdict = co_await config_.restrictions->check(
        restriction::Stage::Sender, facts_, transaction_.effects);
    if (verdict.kind == restriction::Verdict::Kind::Reject) {
      co_return forget(refused_by(verdict));
    }
  }
  auto local = co_await config_.restrictions->is_local_client(facts_);
  if (!local) {
    log::warning(local.error().what);
    Reply reply(451, "4.3.0", "Temporary lookup error");
    log::info(log_lines::action(facts_, "reject", reply.line(),
                                config_.external_form));
    co_return forget(reply);
  }
  transaction_.local_client = *local;
  if (forwarded_ && forwarded_->local) {
    transaction_.local_client = *forwarded_->local;
  }
  if (!config_.delay_open) {
    auto problem = co_await open_queue_file();
    if (problem) co_return forget(*problem);
  }
  co_return Reply(250, "2.1.0", "Ok");
}

net::Task<std::optional<Reply>> Session::open_queue_file() {
  transaction_.forwarded = forwarded_;
  if (!config_.proxy.endpoint.empty()) {
    auto refused = co_await open_proxy();
    co_return refused;
  }
  auto opened = co_await transaction_.open(facts_, !filters_.empty());
  if (!opened) {
    log::warning(opened.error().what);
    wrongs_ |= smtp::kNotifyResource;
    co_return Reply(451, "4.3.0", "Error: queue file write error");
  }
  facts_.queue_id = std::move(*opened);
  log::info(log_lines::client_line(facts_, forwarded_));
  co_return std::nullopt;
}

net::Task<Reply> Session::run(smtp::Rcpt& rcpt) {
  if (transaction_.accepted >= config_.recipient_limit) {
    // The client may go on with those it has: this is no error of its own
    // until it has gone far beyond.
    if (facts_.recipient_count++ >
        config_.recipient_limit + config_.recipient_overshoot) {
      ++errors_;
    }
    co_return Reply(452, "4.5.3", "Error: too many recipients");
  }
  Reply refusal(
      450, "4.7.1",
      "Error: too many recipients from " + facts_.client.address_text);
  auto refused = co_await over_rate("recipient", config_.recipient_rate,
                                    "Recipient address", refusal);
  if (refused) co_return *refused;
  if (!transaction_.mail.smtputf8 && config_.smtputf8 &&
      !is_ascii(rcpt.address)) {
    co_return Reply(553, "5.6.7",
                    "Must declare SMTPUTF8 to send unicode address");
  }
  facts_.recipient = rcpt.address;
  auto bad =
      co_await check_address(*facts_.sender, rcpt.address, "RCPT", rcpt.text);
  if (bad) co_return *bad;
  std::vector<std::string> arguments{
      rcpt.text.starts_with('<') ? rcpt.text : fmt::format("<{}>", rcpt.text)};
  for (auto& parameter : parameters_of(engine_.line())) {
    arguments.push_back(std::move(parameter));
  }
  auto verdict =
      co_await config_.restrictions->recipient(facts_, transaction_.effects);
  if (verdict.kind == restriction::Verdict::Kind::Reject) {
    if (!filters_.empty()) {
      auto source = macros();
      co_await filters_.rejected_rcpt(std::move(arguments), source);
    }
    co_return refused_by(verdict);
  }
  if (!filters_.empty()) {
    co_await learn_mailer(rcpt.address, "rcpt");
    auto source = macros();
    auto filtered = co_await filters_.rcpt(std::move(arguments), source);
    auto reply = obey(filtered);
    if (reply) co_return *reply;
  }
  if (!transaction_.is_open() && !proxy_) {
    auto problem = co_await open_queue_file();
    if (problem) co_return *problem;
  }
  Reply reply(250, "2.1.5", "Ok");
  if (proxy_) {
    reply = co_await proxy_recipient();
    if (reply.code / 100 != 2) co_return reply;
  }
  if (transaction_.accepted == 0) {
    transaction_.first_recipient = mime::quote_local(rcpt.address);
  }
  if (proxy_) {
    ++transaction_.accepted;
  } else {
    transaction_.add_recipient(rcpt);
  }
  facts_.recipient_count = transaction_.accepted;
  co_return reply;
}

std::vector<std::string> parameters_of(std::string_view line) {
  // Behind the address, which may hold blanks in quotes.
  size_t at = 0;
  bool quoted = false;
  size_t end = std::string_view::npos;
  for (; at < line.size(); ++at) {
    if (line[at] == '\\')
      ++at;
    else if (line[at] == '"')
      quoted = !quoted;
    else if (line[at] == '>' && !quoted)
      end = at + 1;
  }
  std::vector<std::string> out;
  if (end == std::string_view::npos) return out;
  for (auto word : split(line.substr(end), " \t")) out.emplace_back(word);
  return out;
}

}  // namespace mail::smtpd
