#include "delivery/smtp/session.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "common/net/listener.h"

namespace mail::smtpc {

using smtp::Stage;

namespace {
constexpr size_t kReplyLine = 65536;  // of a line that does not end
constexpr uint16_t kSmtpsPort = 465;
}  // namespace

Session::Session(Config& config, Server server)
    : config_(config), server_(std::move(server)), engine_(config.limits) {}

Session::Outcome Session::lost(const Error& error) {
  broken_ = true;
  std::string_view stage = smtp::stage_name(engine_.stage());
  std::string text =
      error.sys == ETIMEDOUT
          ? fmt::format("conversation with {} timed out while {}",
                        server_.shown(), stage)
          : fmt::format("lost connection with {} while {}", server_.shown(),
                        stage);
  return problem("4.4.2", std::move(text));
}

Problem Session::refused(const smtp::ClientReply& reply) const {
  Problem out;
  auto code = reply.reply.dsn();
  out.dsn.status = code.text();
  std::string said = reply.reply.joined();
  out.dsn.reason =
      reply.stage == Stage::Greeting
          ? fmt::format("host {} refused to talk to me: {}", server_.shown(),
                        said)
          : fmt::format("host {} said: {} (in reply to {})", server_.shown(),
                        said, smtp::command_name(reply.stage));
  out.dsn.diag_type = "smtp";
  out.dsn.diag_text = said;
  out.dsn.mta_type = "dns";
  out.dsn.mta_mname = server_.name;
  return out;
}

net::Task<Session::Outcome> Session::flush(std::chrono::seconds timeout) {
  while (!engine_.pending().empty()) {
    std::string_view bytes = engine_.pending();
    auto sent = co_await stream_.send(bytes, net::Deadline::in(timeout));
    if (!sent) co_return lost(sent.error());
    engine_.sent(bytes.size());
  }
  co_return std::nullopt;
}

/// Gives the engine what has come, its lines as smtp_reply_filter wants them.
void Session::receive() {
  if (config_.reply_filter.empty()) {
    engine_.receive(stream_.input());
    stream_.consume(stream_.input().size());
    return;
  }
  unfiltered_ += stream_.input();
  stream_.consume(stream_.input().size());
  size_t end;
  while ((end = unfiltered_.find('\n')) != std::string::npos) {
    std::string line = unfiltered_.substr(0, end);
    unfiltered_.erase(0, end + 1);
    if (line.ends_with('\r')) line.pop_back();
    auto found = config_.reply_filter.find_now(line);
    if (found && *found && **found) {
      const std::string& other = (**found)->value;
      log::info(fmt::format("{}: replacing server reply \"{}\" with \"{}\"",
                            server_.relay(), line, other));
      line = other;
    }
    engine_.receive(line + "\r\n");
  }
  if (unfiltered_.size() > kReplyLine) unfiltered_.clear();
}

net::Task<Session::Answer> Session::reply(std::chrono::seconds timeout) {
  Answer out;
  auto unsent = co_await flush(timeout);
  if (unsent) {
    out.broken = std::move(unsent);
    co_return out;
  }
  auto deadline = net::Deadline::in(timeout);
  while (true) {
    if (!stream_.input().empty()) receive();
    auto got = engine_.next_reply();
    if (got) {
      out.reply = std::move(*got);
      co_return out;
    }
    auto filled = co_await stream_.fill(deadline);
    if (!filled || *filled == 0) {
      out.broken = lost(filled ? Error{Fault::Temporary, "", ECONNRESET}
                               : filled.error());
      co_return out;
    }
  }
}

net::Task<Session::Outcome> Session::connect() {
  auto deadline = net::Deadline::in(config_.connect_timeout);
  auto from = server_.where.address.is_v6() ? config_.bind_v6 : config_.bind_v4;
  if (!server_.where.path.empty()) from.reset();
  auto fd = co_await net::connect_to(server_.where, deadline, from);
  if (fd) {
    stream_ = net::Stream(std::move(*fd));
    opened_at_ = Clock::now();
    co_return std::nullopt;
  }
  broken_ = true;
  std::string where =
      server_.where.path.empty() ? server_.relay() : server_.shown();
  co_return problem("4.4.1", fmt::format("connect to {}: {}", where,
                                         strerror(fd.error().sys)));
}

net::Task<Session::Outcome> Session::greet() {
  auto answer = co_await reply(config_.helo_timeout);
  if (answer.broken) co_return answer.broken;
  if (answer.reply.reply.code / 100 == 2) {
    greeted_as_esmtp_ =
        config_.always_ehlo ||
        upper(answer.reply.reply.text).find("ESMTP") != std::string::npos;
    // A firewall of old hides the server's words behind stars.
    const std::string& text = answer.reply.reply.text;
    bool starred = text.find('*') != std::string::npos &&
                   text.find_first_not_of("*02 ") == std::string::npos;
    if (!starred || config_.mode == ClientMode::Lmtp) co_return std::nullopt;
    auto failed = co_await work_around_pix();
    co_return failed;
  }
  Problem out = refused(answer.reply);
  if (config_.skip_5xx_greeting && out.dsn.status.starts_with('5')) {
    out.dsn.status[0] = '4';
  }
  co_return out;
}

/// The workarounds of smtp_pix_workaround_maps or smtp_pix_workarounds, for a
/// message that has failed to go long enough.
net::Task<Session::Outcome> Session::work_around_pix() {
  const auto& pix = config_.pix;
  if (purpose_.queued < static_cast<double>(pix.threshold.count())) {
    co_return std::nullopt;
  }
  std::string words = pix.workarounds;
  if (!config_.pix_maps.empty()) {
    auto found = co_await config_.pix_maps.find(server_.where.address.text());
    if (!found) co_return problem("4.3.0", "PIX workaround table lookup error");
    if (*found) words = (*found)->value;
  }
  bool esmtp = false, dot = false;
  for (auto word : split(words)) {
    esmtp = esmtp || iequals(word, "disable_esmtp");
    dot = dot || iequals(word, "delay_dotcrlf");
  }
  if (!esmtp && !dot) co_return std::nullopt;
  log::info(fmt::format("{}: enabling PIX workarounds:{}{} for {}",
                        purpose_.queue_id, esmtp ? " disable_esmtp" : "",
                        dot ? " delay_dotcrlf" : "", server_.relay()));
  if (esmtp) greeted_as_esmtp_ = false;
  if (dot) dot_delay_ = pix.delay;
  co_return std::nullopt;
}

/// Sets what of the server's EHLO reply is not to be believed.
net::Task<Session::Outcome> Session::discard_keywords() {
  std::string words = config_.discard_keywords;
  if (!config_.discard_maps.empty() && server_.where.path.empty()) {
    auto found =
        co_await config_.discard_maps.find(server_.where.address.text());
    if (!found) co_return problem("4.3.0", "EHLO keyword table lookup error");
    if (*found) words = (*found)->value;
  }
  uint32_t bits = 0;
  bool silent = false;
  for (auto word : split(words)) {
    silent = silent || iequals(word, "silent-discard");
    bits |= smtp::capability_bit(word);
  }
  engine_.set_discard(bits);
  if (bits == 0 || silent) co_return std::nullopt;
  // In the order of Postfix's own list.
  constexpr std::string_view kNames[] = {
      "8BITMIME", "AUTH",     "ETRN",     "PIPELINING", "SIZE",
      "STARTTLS", "XCLIENT",  "XFORWARD", "DSN",        "ENHANCEDSTATUSCODES",
      "VRFY",     "SMTPUTF8", "CHUNKING"};
  std::string line = "discarding EHLO keywords:";
  for (auto name : kNames) {
    if (bits & smtp::capability_bit(name)) line += fmt::format(" {}", name);
  }
  log::info(line);
  co_return std::nullopt;
}

/// A server that bears our name is ourselves.
Session::Outcome Session::hear_own_name() const {
  bool smtp = config_.mode == ClientMode::Smtp && server_.where.port == 25;
  if (!smtp || !iequals(engine_.capabilities().host, config_.host)) {
    return std::nullopt;
  }
  log::warning(
      fmt::format("host {} replied to HELO/EHLO with my own hostname {}",
                  server_.relay(), config_.host));
  return problem("5.4.6", fmt::format("mail for {} loops back to myself",
                                      purpose_.destination.host));
}

net::Task<Session::Outcome> Session::say_hello() {
  bool lmtp = config_.mode == ClientMode::Lmtp;
  if (lmtp || (!config_.never_ehlo && greeted_as_esmtp_)) {
    auto failed = co_await discard_keywords();
    if (failed) co_return failed;
    engine_.ehlo(config_.helo_name);
    auto answer = co_await reply(config_.helo_timeout);
    if (answer.broken) co_return answer.broken;
    if (answer.reply.reply.code / 100 == 2) co_return hear_own_name();
    if (lmtp || answer.reply.reply.code == 421) co_return refused(answer.reply);
  }
  engine_.helo(config_.helo_name);
  auto answer = co_await reply(config_.helo_timeout);
  if (answer.broken) co_return answer.broken;
  if (answer.reply.reply.code / 100 != 2) co_return refused(answer.reply);
  co_return hear_own_name();
}

net::Task<Session::Outcome> Session::open(Purpose purpose) {
  purpose_ = std::move(purpose);
  bool inet = server_.where.path.empty();
  if (inet && server_.where.port == kSmtpsPort && !config_.wrappermode) {
    log::info(
        "SMTPS wrappermode (TCP port 465) requires setting "
        "\"smtp_tls_wrappermode = yes\", and \"smtp_tls_security_level = "
        "encrypt\" (or stronger)");
  }
  Outcome failed;
  if (inet && config_.wrappermode) {
    failed = co_await allow_wrapping();
    if (failed) co_return failed;
  }
  failed = co_await connect();
  if (failed) co_return failed;
  if (wrapped_by_) {
    failed = co_await handshake(*wrapped_by_);
    if (failed) co_return failed;
  }
  failed = co_await greet();
  if (failed) co_return failed;
  failed = co_await say_hello();
  if (failed) co_return failed;
  if (inet && !config_.wrappermode) {
    failed = co_await secure();
    if (failed) co_return failed;
  }
  if (tls_) co_await keep_tls_session();
  if (config_.sasl) {
    failed = co_await authenticate();
    if (failed) co_return failed;
  }
  co_return std::nullopt;
}

Session::Left Session::park() {
  Parked parked;
  parked.server = server_;
  parked.can = engine_.capabilities();
  parked.uses = uses_;
  auto age = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() -
                                                              opened_at_);
  parked.since = WallClock::to_time_t(WallClock::now()) - age.count();
  broken_ = true;
  return {parked.text(), stream_.release()};
}

std::unique_ptr<Session> Session::resume(Config& config,
                                         std::string_view property,
                                         UniqueFd fd) {
  auto parked = Parked::parse(property);
  if (!parked) return nullptr;
  std::chrono::seconds age(WallClock::to_time_t(WallClock::now()) -
                           parked->since);
  if (age.count() < 0 || age > config.reuse_time) return nullptr;
  auto out = std::make_unique<Session>(config, std::move(parked->server));
  out->stream_ = net::Stream(std::move(fd));
  out->engine_.resume(std::move(parked->can));
  out->uses_ = parked->uses;
  out->opened_at_ = Clock::now() - age;
  return out;
}

net::Task<bool> Session::probe() {
  engine_.rset(false);
  auto answer = co_await reply(config_.rset_timeout);
  bool alive = !answer.broken && answer.reply.reply.code / 100 == 2;
  if (!alive) broken_ = true;
  co_return alive;
}

bool Session::usable() const {
  char byte;
  ssize_t n = recv(stream_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return !broken_ && n < 0 && errno == EAGAIN;
}

bool Session::hang_up() {
  stream_.close();
  tls_engine_ = nullptr;
  broken_ = true;
  return false;
}

net::Task<> Session::quit() {
  if (broken_ || !stream_) co_return;
  if (tls_) co_await keep_tls_session();
  engine_.quit();
  auto sent = co_await flush(std::chrono::seconds(5));
  if (!sent && !config_.skip_quit_response) {
    auto answer = co_await reply(config_.quit_timeout);
    (void)answer;
  }
  stream_.say_goodbye();
  (void)hang_up();
}

}  // namespace mail::smtpc
