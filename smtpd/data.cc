#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/ipc/cleanup.h"
#include "common/log/log.h"
#include "common/smtp/dsn_code.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"

namespace mail::smtpd {

using smtp::Reply;
namespace status = ipc::cleanup_status;

net::Task<Reply> Session::start_content(bool bdat) {
  facts_.recipient.reset();
  if (transaction_.accepted == 1) {
    facts_.recipient = transaction_.first_recipient;
  }
  auto verdict = co_await config_.restrictions->check(
      restriction::Stage::Data, facts_, transaction_.effects);
  if (verdict.kind == restriction::Verdict::Kind::Reject) {
    co_return refused_by(verdict);
  }
  if (!filters_.empty() && !transaction_.effects.discard) {
    auto source = macros();
    auto filtered = co_await filters_.data(source);
    auto reply = obey(filtered);
    if (reply) co_return *reply;
  }
  if (proxy_) {
    auto reply = co_await proxy_data();
    if (reply.code == 354 && bdat) reply.text.clear();
    co_return reply;
  }
  co_await transaction_.begin_content(facts_, filters_);
  co_return Reply(354, "", bdat ? "" : "End data with <CR><LF>.<CR><LF>");
}

net::Task<Reply> Session::run(smtp::Data&) {
  auto reply = co_await start_content(false);
  co_return reply;
}

net::Task<Reply> Session::run(smtp::Bdat& bdat) {
  if (config_.message_size > 0 && bdat.size > config_.message_size) {
    co_return Reply(552, "5.3.4", "Chunk exceeds message size limit");
  }
  auto reply = co_await start_content(true);
  co_return reply;
}

net::Task<> Session::on(smtp::BodyLines& body) {
  transaction_.add_lines(body.lines);
  if (proxy_) {
    if (!transaction_.too_big) proxy_->add_lines(body.lines);
    co_await proxy_->send_some();
  } else {
    co_await transaction_.send_some();
  }
}

net::Task<> Session::on(smtp::ChunkEnd& chunk) {
  Reply reply(250, "2.0.0", fmt::format("Ok: {} bytes", chunk.size));
  if (transaction_.too_big) {
    reply = {552, "5.3.4", "Message size exceeds fixed limit"};
  }
  count(smtp::Verb::Bdat, reply);
  co_await answer(std::move(reply));
}

net::Task<> Session::on(smtp::BodyEnd& end) {
  smtp::Verb verb = end.last_chunk ? smtp::Verb::Bdat : smtp::Verb::Data;
  facts_.command = "END-OF-MESSAGE";
  where_ = "END-OF-MESSAGE";
  auto reply = co_await finish_message(end);
  count(verb, reply);
  if (reply.positive()) wrongs_ = 0;
  quiet_loss_ = true;
  co_await answer(std::move(reply));
  // The filters hear of the end of this transaction before the next begins.
  co_await reset_transaction();
  forwarded_.reset();
  trim_transcript();
}

namespace {

struct Detail {
  int bit;
  int code;
  std::string_view dsn, text;
};
// In order of precedence (Postfix 3.7, cleanup_user.h's meanings).
constexpr Detail kDetails[] = {
    {status::kDefer, 451, "4.7.1", "service unavailable"},
    {status::kProxy, 451, "4.3.0", "queue file write error"},
    {status::kBad, 451, "4.3.0", "internal protocol error"},
    {status::kRecipients, 550, "5.1.0", "no recipients specified"},
    {status::kHops, 554, "5.4.0", "too many hops"},
    {status::kSize, 552, "5.3.4", "message file too big"},
    {status::kContent, 550, "5.7.1", "message content rejected"},
    {status::kWrite, 451, "4.3.0", "queue file write error"},
    {status::kNoPermission, 550, "5.7.1", "service denied"},
    {status::kBareLf, 521, "5.5.2", "bare <LF> received"}};

bool is_smtp_reply(std::string_view text) {
  return text.size() > 3 && (text[0] == '4' || text[0] == '5') &&
         is_digit(text[1]) && is_digit(text[2]) &&
         (text[3] == ' ' || text[3] == '-');
}

}  // namespace

Reply Session::verdict_reply(const ipc::StatusReason& verdict) {
  if (verdict.status == 0) {
    return {250, "2.0.0", "Ok: queued as " + facts_.queue_id};
  }
  if (is_smtp_reply(verdict.reason)) {
    Reply reply = smtp::parse_reply(verdict.reason);
    if (reply.code == 421 || reply.code == 521) closing_ = true;
    wrongs_ |= smtp::kNotifyPolicy;
    return reply;
  }
  wrongs_ |= verdict.status & (status::kWrite | status::kProxy)
                 ? smtp::kNotifyResource
             : verdict.status & (status::kContent | status::kDefer)
                 ? smtp::kNotifyPolicy
                 : smtp::kNotifyBounce;
  const Detail* detail = &kDetails[2];
  for (const auto& candidate : kDetails) {
    if (verdict.status & candidate.bit) {
      detail = &candidate;
      break;
    }
  }
  if (verdict.reason.empty()) {
    return {detail->code, detail->dsn, fmt::format("Error: {}", detail->text)};
  }
  size_t length = 0;
  auto dsn = smtp::parse_dsn_code(verdict.reason, &length);
  if (!dsn) return {detail->code, detail->dsn, verdict.reason};
  int code = dsn->category == 4 ? (detail->code < 500 ? detail->code : 451)
                                : (detail->code < 500 ? 550 : detail->code);
  return {code, dsn->text(), trim(verdict.reason.substr(length))};
}

net::Task<Reply> Session::finish_message(const smtp::BodyEnd& end) {
  facts_.size = transaction_.content_bytes;
  if (end.bare_newline) {
    log_action("reject", "bare <LF> received");
    co_return Reply(config_.limits.bare_newline_code, "5.5.2",
                    config_.host + " Error: bare <LF> received");
  }
  if (transaction_.too_big) {
    log::warning(
        fmt::format("{}: queue file size limit exceeded",
                    facts_.queue_id.empty() ? "NOQUEUE" : facts_.queue_id));
    wrongs_ |= smtp::kNotifyBounce;
    co_return Reply(552, "5.3.4", "Error: message file too big");
  }
  auto judged = co_await config_.restrictions->check(
      restriction::Stage::EndOfData, facts_, transaction_.effects);
  if (judged.kind == restriction::Verdict::Kind::Reject) {
    co_return refused_by(judged);
  }
  if (proxy_) {
    auto reply = co_await proxy_finish();
    co_return reply;
  }
  auto verdict = co_await transaction_.finish();
  if (!verdict) {
    log::warning(verdict.error().what);
    wrongs_ |= smtp::kNotifyResource;
    co_return Reply(451, "4.3.0", "Error: queue file write error");
  }
  Reply reply = verdict_reply(*verdict);
  if (reply.code == 250 && end.last_chunk) {
    reply.text = fmt::format("Ok: {} bytes queued as {}", *end.last_chunk,
                             facts_.queue_id);
  }
  co_return reply;
}

}  // namespace mail::smtpd
