#include "smtpd/proxy.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "common/smtp/capabilities.h"

namespace mail::smtpd {

using smtp::ReceivedReply;
using smtp::Reply;

namespace {

constexpr size_t kPiece = 65536;
constexpr size_t kCommandLength = 512;  // RFC 5321, 4.5.3.1.4

/// What strangers hear of a filter that fails.
Reply trouble() { return {451, "4.3.0", "Error: queue file write error"}; }

}  // namespace

net::Deadline ProxyFilter::deadline() const {
  return net::Deadline::in(config_->proxy.timeout);
}

bool ProxyFilter::lost(const Error& error) {
  broken_ = true;
  stream_.close();
  log::warning(
      error.sys == ETIMEDOUT
          ? fmt::format("timeout talking to proxy {}", config_->proxy.endpoint)
          : fmt::format("lost connection with proxy {}",
                        config_->proxy.endpoint));
  return false;
}

net::Task<bool> ProxyFilter::flush() {
  auto sent = co_await stream_.flush(deadline());
  if (!sent) co_return lost(sent.error());
  co_return true;
}

net::Task<bool> ProxyFilter::hear(ReceivedReply& reply) {
  auto sent = co_await flush();
  if (!sent) co_return false;
  smtp::ReplyParser parser;
  auto until = deadline();
  while (true) {
    if (!stream_.input().empty()) {
      stream_.consume(parser.feed(stream_.input()));
    }
    if (parser.complete()) break;
    if (!stream_.input().empty()) continue;
    auto got = co_await stream_.fill(until);
    if (!got) co_return lost(got.error());
    if (*got == 0) co_return lost(Error{Fault::Temporary, "", ECONNRESET});
  }
  reply = parser.take();
  co_return true;
}

net::Task<bool> ProxyFilter::ask(std::string line, ReceivedReply& reply) {
  wire() += line;
  wire() += "\r\n";
  auto heard = co_await hear(reply);
  co_return heard;
}

void ProxyFilter::rejected(std::string_view command,
                           const ReceivedReply& reply) {
  log::warning(fmt::format("proxy {} rejected \"{}\": \"{}\"",
                           config_->proxy.endpoint, command, reply.joined()));
}

/// Connects and says who we are, who the client is, and MAIL.
net::Task<Reply> ProxyFilter::begin() {
  const auto& proxy = config_->proxy;
  auto connecting = config_->milter_connector(proxy.connect_to, deadline());
  auto connected = co_await connecting;
  if (!connected) {
    int sys = connected.error().sys;
    log::warning(fmt::format("connect to proxy filter {}: {}", proxy.endpoint,
                             sys ? strerror(sys) : connected.error().what));
    broken_ = true;
    co_return trouble();
  }
  stream_ = net::Stream(std::move(*connected));
  auto introduced = co_await introduce();
  if (!introduced) {
    broken_ = true;
    co_return trouble();
  }
  ReceivedReply reply;
  auto heard = co_await ask(commands_.front(), reply);
  if (!heard) co_return trouble();
  if (reply.code / 100 != 2) rejected(commands_.front(), reply);
  co_return reply;
}

net::Task<bool> ProxyFilter::introduce() {
  ReceivedReply reply;
  auto heard = co_await hear(reply);
  if (!heard) co_return false;
  if (reply.code / 100 != 2) {
    rejected("connection request", reply);
    co_return false;
  }
  std::string line = "EHLO " + config_->proxy.ehlo;
  heard = co_await ask(line, reply);
  if (!heard) co_return false;
  if (reply.code / 100 != 2) {
    rejected(line, reply);
    co_return false;
  }
  auto offered = smtp::parse_capabilities(reply.text);
  std::vector<std::string> lines;
  for (const auto& attribute : xforward_) {
    if (!offered.has_xforward(attribute.substr(0, attribute.find('=')))) {
      continue;
    }
    if (lines.empty() ||
        lines.back().size() + attribute.size() + 3 > kCommandLength) {
      lines.emplace_back("XFORWARD");
    }
    lines.back() += " " + attribute;
  }
  for (const auto& command : lines) {
    heard = co_await ask(command, reply);
    if (!heard) co_return false;
    if (reply.code / 100 != 2) {
      rejected(command, reply);
      co_return false;
    }
  }
  co_return true;
}

net::Task<Reply> ProxyFilter::open(std::vector<std::string> xforward,
                                   std::string command) {
  opened_ = true;
  xforward_ = std::move(xforward);
  commands_.push_back(std::move(command));
  if (config_->proxy.speed_adjust) co_return Reply(250, "2.1.0", "Ok");
  auto reply = co_await begin();
  co_return reply;
}

net::Task<Reply> ProxyFilter::recipient(std::string command) {
  if (config_->proxy.speed_adjust) {
    commands_.push_back(std::move(command));
    co_return Reply(250, "2.1.5", "Ok");
  }
  ReceivedReply reply;
  if (broken_) co_return trouble();
  auto heard = co_await ask(command, reply);
  if (!heard) co_return trouble();
  if (reply.code / 100 != 2) rejected(command, reply);
  co_return reply;
}

net::Task<Reply> ProxyFilter::data() {
  if (config_->proxy.speed_adjust) {
    co_return Reply(354, "", "End data with <CR><LF>.<CR><LF>");
  }
  ReceivedReply reply;
  if (broken_) co_return trouble();
  auto heard = co_await ask("DATA", reply);
  if (!heard) co_return trouble();
  if (reply.code / 100 != 3) rejected("DATA", reply);
  co_return reply;
}

void ProxyFilter::add_header(std::string_view text) {
  while (true) {
    size_t end = text.find('\n');
    writer_.line(text.substr(0, end), true, content_);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

void ProxyFilter::add_lines(std::span<const smtp::BodyLine> lines) {
  if (broken_) return;
  for (const auto& line : lines) {
    writer_.line(line.text, !line.continues, content_);
  }
}

net::Task<> ProxyFilter::send_some() {
  if (broken_ || content_.size() < kPiece) co_return;
  if (config_->proxy.speed_adjust) {
    auto kept = aside_.append(content_);
    content_.clear();
    if (!kept) {
      log::warning(kept.error().what);
      broken_ = true;
    }
    co_return;
  }
  auto sent = co_await stream_.send(content_, deadline());
  content_.clear();
  if (!sent) (void)lost(sent.error());
}

/// All that the client has said. The first refusal is the answer.
net::Task<Reply> ProxyFilter::replay() {
  auto reply = co_await begin();
  if (reply.code / 100 != 2) co_return reply;
  ReceivedReply said;
  for (size_t i = 1; i < commands_.size(); ++i) {
    auto heard = co_await ask(commands_[i], said);
    if (!heard) co_return trouble();
    if (said.code / 100 == 2) continue;
    rejected(commands_[i], said);
    co_return said;
  }
  auto heard = co_await ask("DATA", said);
  if (!heard) co_return trouble();
  if (said.code / 100 != 3) {
    rejected("DATA", said);
    co_return said;
  }
  auto sent = co_await replay_content();
  co_return sent ? Reply(said) : trouble();
}

net::Task<bool> ProxyFilter::replay_content() {
  size_t offset = 0;
  while (offset < aside_.size()) {
    auto piece = aside_.read(offset, kPiece);
    if (!piece) {
      log::warning(piece.error().what);
      broken_ = true;
      co_return false;
    }
    offset += piece->size();
    auto sent = co_await stream_.send(*piece, deadline());
    if (!sent) co_return lost(sent.error());
  }
  co_return true;
}

net::Task<Reply> ProxyFilter::finish() {
  if (broken_) co_return trouble();
  if (config_->proxy.speed_adjust) {
    auto reply = co_await replay();
    if (reply.code / 100 != 3) co_return reply;
  }
  writer_.finish(content_);
  wire() += content_;
  content_.clear();
  ReceivedReply reply;
  auto heard = co_await hear(reply);
  if (!heard) co_return trouble();
  co_return reply;
}

net::Task<> ProxyFilter::quit() {
  if (!stream_) co_return;
  wire() = "QUIT\r\n";
  auto sent = co_await stream_.flush(deadline());
  (void)sent;
  stream_.close();
}

}  // namespace mail::smtpd
