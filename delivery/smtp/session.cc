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

Session::Session(Config& config, Server server)
    : config_(config), server_(std::move(server)), engine_(config.limits) {
  engine_.set_discard(config.discard);
}

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

net::Task<Session::Answer> Session::reply(std::chrono::seconds timeout) {
  Answer out;
  auto unsent = co_await flush(timeout);
  if (unsent) {
    out.broken = std::move(unsent);
    co_return out;
  }
  auto deadline = net::Deadline::in(timeout);
  while (true) {
    if (!stream_.input().empty()) {
      engine_.receive(stream_.input());
      stream_.consume(stream_.input().size());
    }
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
  if (answer.reply.reply.code / 100 == 2) co_return std::nullopt;
  Problem out = refused(answer.reply);
  if (config_.skip_5xx_greeting && out.dsn.status.starts_with('5')) {
    out.dsn.status[0] = '4';
  }
  co_return out;
}

net::Task<Session::Outcome> Session::say_hello() {
  if (!config_.never_ehlo) {
    engine_.ehlo(config_.helo_name);
    auto answer = co_await reply(config_.helo_timeout);
    if (answer.broken) co_return answer.broken;
    if (answer.reply.reply.code / 100 == 2) co_return std::nullopt;
    bool lmtp = config_.mode == ClientMode::Lmtp;
    if (lmtp || answer.reply.reply.code == 421) co_return refused(answer.reply);
  }
  engine_.helo(config_.helo_name);
  auto answer = co_await reply(config_.helo_timeout);
  if (answer.broken) co_return answer.broken;
  if (answer.reply.reply.code / 100 != 2) co_return refused(answer.reply);
  co_return std::nullopt;
}

net::Task<Session::Outcome> Session::open(Destination destination,
                                          std::string sender,
                                          std::string queue_id, Tls tls) {
  auto failed = co_await connect();
  if (failed) co_return failed;
  failed = co_await greet();
  if (failed) co_return failed;
  failed = co_await say_hello();
  if (failed) co_return failed;
  if (server_.where.path.empty()) {
    failed = co_await secure(destination, queue_id, tls);
    if (failed) co_return failed;
  }
  if (config_.sasl) {
    failed = co_await authenticate(destination, sender);
    if (failed) co_return failed;
  }
  co_return std::nullopt;
}

bool Session::usable() const {
  char byte;
  ssize_t n = recv(stream_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return !broken_ && n < 0 && errno == EAGAIN;
}

net::Task<> Session::quit() {
  if (broken_ || !stream_) co_return;
  engine_.quit();
  auto sent = co_await flush(std::chrono::seconds(5));
  if (!sent && !config_.skip_quit_response) {
    auto answer = co_await reply(config_.quit_timeout);
    (void)answer;
  }
  stream_.say_goodbye();
  stream_.close();
  broken_ = true;
}

}  // namespace mail::smtpc
