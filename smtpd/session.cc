#include "smtpd/session.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>

#include "common/log/log.h"
#include "smtpd/client_facts.h"
#include "smtpd/log_lines.h"

namespace mail::smtpd {

namespace {
smtp::ServerLimits limits_for(const Config& config) { return config.limits; }
}  // namespace

Session::Session(Config& config, net::Stream stream)
    : config_(config),
      stream_(std::move(stream)),
      engine_(limits_for(config)),
      transaction_(config) {}

net::Task<> Session::serve() {
  co_await begin();
  auto admitted = co_await admit();
  if (admitted) {
    co_await talk();
  } else {
    auto sent = co_await send_pending();
    (void)sent;
  }
  co_await end();
}

net::Task<> Session::begin() {
  facts_.client = co_await learn_client(config_, stream_.fd());
  const ClientFacts& client = facts_.client;
  log::info(log_lines::connect_from(client));
  auto exempt =
      co_await config_.limit_exceptions.match(client.name, client.address_text);
  exempt_ = exempt && *exempt;
  co_await judge_proxy();
  auto excepted = co_await config_.bare_newline_exceptions.match(
      client.name, client.address_text);
  if (excepted && *excepted) {
    engine_.set_bare_newline(smtp::BareNewline::Allow);
  }
}

/// Everything before the greeting. False: not served any further.
net::Task<bool> Session::admit() {
  if (config_.tls_wrapper) {
    auto started = co_await start_tls();
    if (!started) {
      lost_ = true;
      co_return false;
    }
  }
  note_early_talker();
  auto refused = co_await count_connection();
  if (refused) {
    co_await say(smtp::hangup(*refused));
    co_return false;
  }
  auto greeting = co_await greet();
  co_await say(greeting);
  co_return greeting.code != 421;
}

/// What a session begins with, after XCLIENT too.
net::Task<smtp::Reply> Session::greet() {
  greeting_problem_.clear();
  if (!config_.delay_reject) {
    auto verdict = co_await config_.restrictions->check(
        restriction::Stage::Client, facts_, session_effects_);
    if (verdict.kind == restriction::Verdict::Kind::Reject) {
      greeting_problem_ = verdict.reply.line();
    }
  }
  co_await open_filters();
  if (filter_verdict_ &&
      filter_verdict_->kind == filters::Verdict::Kind::Shutdown) {
    co_return smtp::Reply(
        421, "",
        fmt::format("{} Service unavailable - try again later", config_.host));
  }
  if (config_.tls_level == TlsLevel::Encrypt && !facts_.tls) {
    engine_.set_tls_required(true);
  }
  bool rejected = filter_verdict_ &&
                  filter_verdict_->kind == filters::Verdict::Kind::Reject &&
                  filter_verdict_->reply.starts_with('5');
  if (rejected) {
    co_return smtp::Reply(554, "",
                          config_.host + " ESMTP not accepting connections");
  }
  co_return smtp::Reply(220, "", config_.banner);
}

void Session::note_early_talker() {
  if (!config_.postdrop.empty()) return;
  char bytes[100];
  ssize_t n = recv(stream_.fd(), bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
  if (n <= 0 || facts_.tls) return;
  facts_.improper_pipelining = true;
  log::info(log_lines::improper_pipelining(facts_.client, "CONNECT",
                                           {bytes, static_cast<size_t>(n)}));
}

net::Task<> Session::talk() {
  while (true) {
    while (!closing_) {
      auto event = engine_.next_event();
      if (!event) break;
      co_await handle(*event);
    }
    auto sent = co_await send_pending();
    if (!sent || closing_ || engine_.closed()) co_return;
    auto more = co_await read_more();
    if (!more) co_return;
  }
}

net::Task<> Session::handle(smtp::ServerEvent& event) {
  // Commands come most; a message's lines are many, but come in batches.
  if (auto* command = std::get_if<smtp::Command>(&event)) {
    co_await on(*command);
  } else if (auto* lines = std::get_if<smtp::BodyLines>(&event)) {
    co_await on(*lines);
  } else if (auto* end = std::get_if<smtp::BodyEnd>(&event)) {
    co_await on(*end);
  } else if (auto* refused = std::get_if<smtp::Refused>(&event)) {
    co_await on(*refused);
  } else if (auto* response = std::get_if<smtp::AuthResponse>(&event)) {
    co_await on(*response);
  } else if (auto* chunk = std::get_if<smtp::ChunkEnd>(&event)) {
    co_await on(*chunk);
  }
}

net::Task<bool> Session::send_pending() {
  while (!engine_.pending().empty()) {
    stream_.write(engine_.pending());
    engine_.sent(engine_.pending().size());
  }
  auto sent = co_await stream_.flush(deadline());
  if (sent) co_return true;
  (sent.error().sys == ETIMEDOUT ? timed_out_ : lost_) = true;
  co_return false;
}

net::Task<bool> Session::read_more() {
  if (stream_.input().empty()) {
    auto got = co_await stream_.fill(deadline());
    if (!got && got.error().sys == ETIMEDOUT) {
      timed_out_ = true;
      smtp::Reply late(421, "4.4.2", config_.host + " Error: timeout exceeded");
      co_await say(smtp::hangup(std::move(late)));
      auto sent = co_await send_pending();
      (void)sent;
      co_return false;
    }
    if (!got || *got == 0) {
      lost_ = true;
      co_return false;
    }
  }
  size_t taken = engine_.receive(stream_.input());
  stream_.consume(taken);
  co_return true;
}

std::string Session::after_text() const {
  if (where_ == "DATA" || where_ == "BDAT") {
    if (unfinished_ || engine_.body_bytes() > 0) {
      return fmt::format("{} ({} bytes)", where_, engine_.body_bytes());
    }
  }
  return where_;
}

std::string Session::counts() const {
  // In the order of the statistics; LHLO is not SMTP's.
  static constexpr std::pair<smtp::Verb, std::string_view> kNames[] = {
      {smtp::Verb::Helo, "helo"},         {smtp::Verb::Ehlo, "ehlo"},
      {smtp::Verb::Xclient, "xclient"},   {smtp::Verb::Xforward, "xforward"},
      {smtp::Verb::StartTls, "starttls"}, {smtp::Verb::Auth, "auth"},
      {smtp::Verb::Mail, "mail"},         {smtp::Verb::Rcpt, "rcpt"},
      {smtp::Verb::Data, "data"},         {smtp::Verb::Bdat, "bdat"},
      {smtp::Verb::Rset, "rset"},         {smtp::Verb::Noop, "noop"},
      {smtp::Verb::Vrfy, "vrfy"},         {smtp::Verb::Etrn, "etrn"},
      {smtp::Verb::Quit, "quit"},         {smtp::Verb::Unknown, "unknown"}};
  std::string out;
  Count total;
  auto append = [&](std::string_view name, const Count& count) {
    out += fmt::format("{}={}", name, count.good);
    if (count.good != count.all) out += fmt::format("/{}", count.all);
  };
  for (auto [verb, name] : kNames) {
    const Count& count = counts_[static_cast<size_t>(verb)];
    if (count.all == 0) continue;
    append(name, count);
    out += ' ';
    total.good += count.good;
    total.all += count.all;
  }
  if (total.all == 0) return out + "commands=0/0";
  append("commands", total);
  return out;
}

net::Task<> Session::end() {
  transaction_.abandon();
  if (proxy_) co_await proxy_->quit();
  co_await filters_.quit();
  co_await forget_connection();
  const ClientFacts& client = facts_.client;
  if (unfinished_) ++counts_[static_cast<size_t>(*unfinished_)].all;
  if (too_many_errors_) {
    log::info(log_lines::broken_off("too many errors", after_text(), client));
  } else if (timed_out_) {
    log::info(log_lines::broken_off("timeout", after_text(), client));
  } else if (lost_ && !quiet_loss_) {
    log::info(log_lines::broken_off("lost connection", after_text(), client));
  }
  if (wrongs_ & config_.notify_classes) co_await tell_postmaster();
  log::info(log_lines::disconnect_from(client, counts()));
  stream_.say_goodbye();
}

}  // namespace mail::smtpd
