// Delivery: one message over one session.
#include <fmt/format.h>

#include <algorithm>

#include "common/log/log.h"
#include "common/mime/address.h"
#include "common/queue/source.h"
#include "delivery/smtp/content.h"
#include "delivery/smtp/delivery.h"

namespace mail::smtpc {

using smtp::Stage;

namespace {

constexpr size_t kSendSize = 65536;
constexpr int kUtf8Requested = 1;

/// A table of ours failed: no fault of the server's.
Problem local_data_error(const Session& session) {
  Problem out = problem(
      "4.3.0", "local data error while talking to " + session.server().shown());
  out.throttle = false;
  return out;
}

}  // namespace

/// The sender, then each recipient asked for, as the world may see them.
net::Task<Result<std::vector<std::string>>> Delivery::outer_addresses() {
  std::vector<std::string> out{request_.sender};
  for (const auto* recipient : asked_) out.push_back(recipient->recipient);
  if (config_.generic.empty()) co_return out;
  for (auto& address : out) {
    auto mapped = co_await config_.generic.map(address);
    if (!mapped) {
      log::warning(
          fmt::format("{}: {}", request_.queue_id, mapped.error().what));
      co_return fail(std::move(mapped).error());
    }
    address = std::move(*mapped);
  }
  co_return out;
}

net::Task<Session::Outcome> Delivery::envelope(Session& session) {
  auto& engine = session.engine();
  const auto& can = engine.capabilities();
  bool utf8 = request_.smtputf8 > kUtf8Requested;
  if (utf8 && !can.has(smtp::kSmtpUtf8)) {
    Problem out = problem(
        "5.6.7", fmt::format("SMTPUTF8 is required, but was not offered by "
                             "host {}",
                             session.server().shown()));
    out.throttle = false;
    co_return out;
  }
  if (can.has(smtp::kSize) && can.size_limit > 0 &&
      request_.data_size > can.size_limit) {
    Problem out = problem(
        "5.3.4", fmt::format("message size {} exceeds size limit {} of server "
                             "{}",
                             request_.data_size, can.size_limit,
                             session.server().shown()));
    out.throttle = false;
    co_return out;
  }
  smtp::MailOptions mail;
  if (can.has(smtp::kSize)) mail.size = request_.data_size;
  if (can.has(smtp::kEightBitMime)) {
    if (request_.encoding == "8bit") mail.body = smtp::BodyType::EightBit;
    if (request_.encoding == "7bit") mail.body = smtp::BodyType::SevenBit;
  }
  if (can.has(smtp::kDsn)) {
    mail.envid = request_.envelope_id;
    if (request_.ret_flags == 1) mail.ret = smtp::DsnReturn::Full;
    if (request_.ret_flags == 2) mail.ret = smtp::DsnReturn::Headers;
  }
  mail.smtputf8 = utf8;
  mail.auth_null = config_.dummy_mail_auth && session.authenticated();
  auto addresses = co_await outer_addresses();
  if (!addresses) co_return local_data_error(session);
  engine.mail(addresses->front(), mail);
  bool pipelining = can.has(smtp::kPipelining);
  if (!pipelining) {
    auto answer = co_await session.reply(config_.mail_timeout);
    if (answer.broken) co_return answer.broken;
    if (answer.reply.reply.code / 100 != 2) {
      mail_refusal_ = std::move(answer.reply);
      co_return std::nullopt;
    }
  }
  size_t at = 0;
  for (const auto* recipient : asked_) {
    smtp::RcptOptions rcpt;
    if (can.has(smtp::kDsn)) {
      rcpt.orcpt = recipient->dsn_orig_rcpt;
      rcpt.notify = static_cast<uint8_t>(recipient->notify_flags);
    }
    engine.rcpt((*addresses)[++at], rcpt);
    if (pipelining) continue;
    auto sent = co_await session.flush(config_.rcpt_timeout);
    if (sent) co_return sent;
  }
  if (pipelining && asks_data()) engine.data();
  co_return std::nullopt;
}

/// A probe asks no more than smtp_address_verify_target says.
bool Delivery::asks_data() const {
  return !request_.is_probe() || config_.probe_with_data;
}

/// False: the transaction has ended here.
net::Task<bool> Delivery::envelope_replies(Session& session, bool last) {
  auto& engine = session.engine();
  bool pipelining = engine.capabilities().has(smtp::kPipelining);
  bool asked_data = pipelining && asks_data();
  while (engine.outstanding() > 0 || !asked_data) {
    if (engine.outstanding() == 0) {
      if (accepted_.empty() || mail_refusal_ || !asks_data()) co_return true;
      engine.data();
      asked_data = true;
    }
    Stage stage = engine.stage();
    auto timeout = stage == Stage::Mail   ? config_.mail_timeout
                   : stage == Stage::Rcpt ? config_.rcpt_timeout
                                          : config_.data_init_timeout;
    auto answer = co_await session.reply(timeout);
    if (answer.broken) {
      auto gone = co_await give_up(&session, std::move(*answer.broken), last);
      (void)gone;
      co_return false;
    }
    auto& reply = answer.reply;
    int kind = reply.reply.code / 100;
    if (reply.stage == Stage::Mail) {
      if (kind != 2) mail_refusal_ = reply;
    } else if (reply.stage == Stage::Rcpt) {
      const auto* recipient =
          asked_[std::min(reply.recipient, asked_.size() - 1)];
      if (kind == 2) {
        accepted_.push_back(recipient);
        if (request_.is_probe()) accepting_.push_back(reply);
      } else if (!mail_refusal_) {
        Problem why = session.refused(reply);
        why.throttle = false;
        // A soft refusal may be another server's yes.
        if (kind == 4 && !last) {
          remember(&session, std::move(why));
        } else {
          co_await settle(&session, recipient, std::move(why));
        }
      }
    } else if (reply.stage == Stage::Data) {
      data_allowed_ = kind == 3;
      if (!data_allowed_ && !accepted_.empty() && !mail_refusal_) {
        Problem why = session.refused(reply);
        auto gone = co_await give_up(&session, std::move(why), last);
        (void)gone;
      }
    }
  }
  co_return true;
}

net::Task<Session::Outcome> Delivery::content(Session& session) {
  auto& engine = session.engine();
  if (config_.add_return_path) {
    engine.body_line(
        fmt::format("Return-Path: <{}>", mime::quote_local(request_.sender)),
        true);
  }
  if (config_.add_original_to && !asked_[0]->original_recipient.empty()) {
    engine.body_line("X-Original-To: " + asked_[0]->original_recipient, true);
  }
  if (config_.add_delivered_to) {
    engine.body_line("Delivered-To: " + mime::quote_local(asked_[0]->recipient),
                     true);
  }
  queue::FileSource source(request_.file.get());
  queuefile::ContentReader reader(source,
                                  static_cast<uint64_t>(request_.data_offset));
  const auto& can = engine.capabilities();
  bool downgrade = config_.convert_8bit && request_.encoding == "8bit" &&
                   !can.has(smtp::kEightBitMime) && !can.has(smtp::kSmtpUtf8);
  ContentWriter writer(config_, engine, request_.queue_id, downgrade);
  while (true) {
    auto piece = reader.next();
    if (!piece) {
      // Half a message must not look like a whole one: hang up.
      log::warning(
          fmt::format("{}: {}", request_.queue_id, piece.error().what));
      Problem out = problem("4.3.0", "queue file read error");
      out.throttle = false;
      co_return out;
    }
    if (!*piece) break;
    if (writer.passes_through()) {
      engine.body_line((*piece)->text, (*piece)->ends_line);
    } else {
      std::string text((*piece)->text);
      auto written = co_await writer.line(std::move(text), (*piece)->ends_line);
      if (!written) co_return local_data_error(session);
    }
    if (engine.pending().size() >= kSendSize) {
      auto lost = co_await session.flush(config_.data_xfer_timeout);
      if (lost) co_return lost;
    }
  }
  auto finished = co_await writer.finish();
  if (!finished) co_return local_data_error(session);
  if (session.dot_delay().count() > 0) {
    auto lost = co_await session.flush(config_.data_xfer_timeout);
    if (lost) co_return lost;
    co_await net::sleep(session.dot_delay());
  }
  engine.end_of_data();
  co_return std::nullopt;
}

/// The replies after the dot. False: the session is lost.
net::Task<bool> Delivery::verdicts(Session& session, bool last) {
  auto& engine = session.engine();
  while (engine.outstanding() > 0) {
    auto answer = co_await session.reply(config_.data_done_timeout);
    if (answer.broken) {
      auto gone = co_await give_up(&session, std::move(*answer.broken), last);
      (void)gone;
      co_return false;
    }
    auto& reply = answer.reply;
    bool good = reply.reply.code / 100 == 2;
    Recipients about = accepted_;
    if (config_.mode == ClientMode::Lmtp) {
      const auto* one = asked_[std::min(reply.recipient, asked_.size() - 1)];
      about = {one};
    }
    for (const auto* recipient : about) {
      if (std::find(left_.begin(), left_.end(), recipient) == left_.end()) {
        continue;
      }
      if (good) {
        co_await settle_sent(session, recipient, reply);
        continue;
      }
      Problem why = session.refused(reply);
      why.throttle = false;
      if (reply.reply.code / 100 == 4 && !last) {
        remember(&session, std::move(why));
      } else {
        co_await settle(&session, recipient, std::move(why));
      }
    }
  }
  co_return true;
}

net::Task<bool> Delivery::send(Session& session, bool last) {
  asked_ = left_;
  accepted_.clear();
  mail_refusal_.reset();
  accepting_.clear();
  data_allowed_ = content_sent_ = false;
  auto failed = co_await forward_client(session);
  if (!failed) failed = co_await envelope(session);
  if (failed) {
    auto gone = co_await give_up(&session, std::move(*failed), last);
    (void)gone;
    co_return !session.broken();
  }
  auto& engine = session.engine();
  if (!mail_refusal_) {
    auto going = co_await envelope_replies(session, last);
    if (!going) co_return false;
  }
  if (mail_refusal_) {
    Problem why = session.refused(*mail_refusal_);
    why.throttle = false;
    auto gone = co_await give_up(&session, std::move(why), last);
    (void)gone;
  }
  if (request_.is_probe() && !mail_refusal_) {
    auto fine = co_await probed(session);
    co_return fine;
  }
  if (data_allowed_ && !accepted_.empty() && !mail_refusal_) {
    content_sent_ = true;
    auto unread = co_await content(session);
    if (unread) {
      auto gone = co_await give_up(&session, std::move(*unread), last);
      (void)gone;
      co_return false;  // closed without a dot: no delivery
    }
    auto fine = co_await verdicts(session, last);
    co_return fine;
  }
  if (data_allowed_) {
    // Nobody is left, yet the server waits for content: an empty one, that it
    // must refuse or throw away.
    engine.end_of_data();
    while (engine.outstanding() > 0) {
      auto answer = co_await session.reply(config_.data_done_timeout);
      if (answer.broken) co_return false;
    }
  }
  engine.rset(true);
  auto answer = co_await session.reply(config_.rset_timeout);
  co_return !answer.broken && answer.reply.reply.code / 100 == 2;
}

/// A probe has its answer: nothing is sent.
net::Task<bool> Delivery::probed(Session& session) {
  auto& engine = session.engine();
  for (size_t i = 0; i < accepted_.size(); ++i) {
    const auto* recipient = accepted_[i];
    bool left = std::find(left_.begin(), left_.end(), recipient) != left_.end();
    if (left) co_await settle_sent(session, recipient, accepting_[i]);
  }
  // With DATA allowed there is no way back: the connection just ends.
  if (data_allowed_) co_return session.hang_up();
  engine.rset(true);
  auto answer = co_await session.reply(config_.rset_timeout);
  co_return !answer.broken;
}

}  // namespace mail::smtpc
