#include "delivery/report.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/ipc/bounce.h"
#include "common/ipc/flush.h"
#include "common/ipc/verify.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "common/queue/delivery_line.h"
#include "common/queue/dsn_status.h"
#include "common/queue/spool.h"

namespace mail::delivery {

namespace param = config::param;
namespace flag = ipc::delivery_flag;

namespace {

constexpr int kNotifySuccess = 2;

ipc::Client service(const config::Settings& settings, std::string path,
                    std::string_view protocol) {
  ipc::Client::Options options;
  options.path = std::move(path);
  options.protocol = protocol;
  options.timeout = settings.get(param::ipc_timeout);
  options.idle = settings.get(param::ipc_idle);
  return ipc::Client(std::move(options));
}

}  // namespace

Reporting::Reporting(config::SettingsPtr settings)
    : settings_(std::move(settings)),
      bounce_(service(*settings_,
                      "private/" + settings_->get(param::bounce_service_name),
                      ipc::kBounceProtocol)),
      defer_(service(*settings_,
                     "private/" + settings_->get(param::defer_service_name),
                     ipc::kBounceProtocol)),
      trace_(service(*settings_,
                     "private/" + settings_->get(param::trace_service_name),
                     ipc::kBounceProtocol)),
      verify_(service(
          *settings_,
          "private/" + settings_->get(param::address_verify_service_name),
          ipc::kVerifyProtocol)),
      flush_(service(*settings_,
                     "public/" + settings_->get(param::flush_service_name),
                     ipc::kFlushProtocol)),
      external_form_(settings_->get(param::info_log_address_format) !=
                     "internal"),
      soft_bounce_(settings_->get(param::soft_bounce)),
      delay_digits_(static_cast<int>(
          settings_->get(param::delay_logging_resolution_limit))) {}

Report::Outcome Report::outcome(const ipc::Recipient& recipient,
                                std::string status, std::string reason) const {
  Outcome out;
  out.recipient = &recipient;
  out.stats = request_.stats;
  out.dsn.status = std::move(status);
  out.dsn.reason = std::move(reason);
  return out;
}

std::string Report::shown(const std::string& address) const {
  return reporting_.external_form_ ? mime::quote_local(address) : address;
}

void Report::log(const Outcome& outcome, std::string_view word) {
  std::string recipient = shown(outcome.recipient->recipient);
  std::string original = shown(outcome.recipient->original_recipient);
  queue::DeliveryLine line;
  line.queue_id = request_.queue_id;
  line.recipient = recipient;
  line.original_recipient = original;
  line.relay = outcome.relay;
  line.stats = outcome.stats;
  line.now = queue::time_now();
  line.dsn = outcome.dsn.status;
  line.status = word;
  line.text = outcome.dsn.reason;
  log::info(queue::delivery_line(line, reporting_.delay_digits_));
}

void Report::mark_done(const ipc::Recipient& recipient) {
  if (!(request_.flags & flag::kSuccess) || recipient.offset <= 0) return;
  if (!request_.file) return;
  auto marked = queue::mark_done(request_.file.get(), recipient.offset);
  // The mail has gone; a second delivery after a crash is the lesser evil.
  if (!marked) {
    log::warning(fmt::format("{}: {}", request_.queue_id, marked.error().what));
  }
}

net::Task<bool> Report::append(ipc::Client& client, const Outcome& outcome) {
  ipc::BounceAppend request;
  request.queue_id = request_.queue_id;
  request.recipient = *outcome.recipient;
  request.dsn = outcome.dsn;
  auto reply = co_await client.ask<ipc::Status>(request);
  if (!reply) {
    log::warning(fmt::format("{}: {}", request_.queue_id, reply.error().what));
    co_return false;
  }
  co_return reply->status == 0;
}

/// The sender is told the way, too.
net::Task<bool> Report::append_trace(Outcome outcome) {
  if (outcome.relay != "none") {
    outcome.dsn.reason =
        fmt::format("delivery via {}: {}", outcome.relay, outcome.dsn.reason);
  }
  auto appended = co_await append(reporting_.trace_, outcome);
  co_return appended;
}

net::Task<> Report::filtered(Outcome& outcome) {
  auto& tables = reporting_.filter_;
  if (tables.empty() || std::exchange(outcome.filtered, true)) co_return;
  auto found =
      co_await tables.find(outcome.dsn.status + " " + outcome.dsn.reason);
  if (!found || !*found) co_return;  // the lookup has warned
  const std::string& value = (*found)->value;
  auto parts = queue::split_dsn(value, "");
  // Between success and failure there is no way.
  bool success = outcome.dsn.status.starts_with('2');
  if (!queue::is_dsn_status(parts.status) ||
      success != parts.status.starts_with('2')) {
    log::warning(fmt::format("{}: bad status code: {}", tables.title(), value));
    co_return;
  }
  outcome.dsn.status = parts.status;
  outcome.dsn.reason = parts.text;
}

net::Task<> Report::probed(const Outcome& outcome, int verdict,
                           std::string_view word) {
  if (request_.flags & flag::kUserVerify) {
    auto appended = co_await append_trace(outcome);
    (void)appended;
  } else {
    ipc::VerifyRequest update;
    update.request = "update";
    update.address = outcome.recipient->original_recipient.empty()
                         ? outcome.recipient->recipient
                         : outcome.recipient->original_recipient;
    update.recipient_status = verdict;
    update.reason = outcome.dsn.reason;
    auto reply = co_await reporting_.verify_.ask<ipc::Status>(update);
    if (!reply) log::warning(reply.error().what);
  }
  log(outcome, word);
  mark_done(*outcome.recipient);
}

net::Task<> Report::sent(Outcome outcome) {
  co_await filtered(outcome);
  if (outcome.dsn.action.empty()) {
    outcome.dsn.action =
        request_.flags & flag::kUserVerify ? "deliverable" : "delivered";
  }
  if (request_.is_probe()) {
    co_await probed(outcome, ipc::verify_status::kOk, "deliverable");
    co_return;
  }
  bool wanted =
      (outcome.recipient->notify_flags & kNotifySuccess) && !outcome.passed_on;
  if (wanted || request_.traced()) {
    auto appended = co_await append_trace(outcome);
    if (!appended) {
      outcome.dsn.status = "4.3.0";
      outcome.dsn.reason = "trace service failure";
      co_await deferred(std::move(outcome));
      co_return;
    }
  }
  log(outcome, "sent");
  mark_done(*outcome.recipient);
}

net::Task<> Report::note_for_flush(const ipc::Recipient& recipient) {
  if (reporting_.flush_domains_.empty()) co_return;
  auto parts = mime::split_address(recipient.recipient);
  if (!parts.domain) co_return;
  auto listed =
      co_await reporting_.flush_domains_.match(std::string(*parts.domain));
  if (!listed || !*listed) co_return;
  ipc::FlushRequest add;
  add.request = "add";
  add.site = lower(*parts.domain);
  add.queue_id = request_.queue_id;
  auto reply = co_await reporting_.flush_.ask<ipc::Status>(add);
  if (!reply) log::warning(reply.error().what);
}

net::Task<> Report::deferred(Outcome outcome) {
  co_await filtered(outcome);
  if (outcome.dsn.status.starts_with('5')) {
    // Only a filter makes a deferral permanent.
    co_await bounced(std::move(outcome));
    co_return;
  }
  deferred_ = deferred_ || !request_.is_probe();
  if (request_.is_probe()) {
    outcome.dsn.action = "undeliverable";
    co_await probed(outcome, ipc::verify_status::kDefer, "undeliverable");
    co_return;
  }
  outcome.dsn.action = "delayed";
  auto appended = co_await append(reporting_.defer_, outcome);
  if (!appended) {
    log::warning(fmt::format("{}: {} service failure", request_.queue_id,
                             reporting_.defer_.options().path.substr(8)));
  }
  if (request_.traced()) {
    auto traced = co_await append_trace(outcome);
    (void)traced;
  }
  log(outcome, "deferred");
  co_await note_for_flush(*outcome.recipient);
}

net::Task<> Report::bounced(Outcome outcome) {
  co_await filtered(outcome);
  if (outcome.dsn.status.starts_with('4')) {
    co_await deferred(std::move(outcome));
    co_return;
  }
  if (request_.is_probe()) {
    outcome.dsn.action = "undeliverable";
    co_await probed(outcome, ipc::verify_status::kBounce, "undeliverable");
    co_return;
  }
  outcome.dsn.action = reporting_.soft_bounce_ ? "delayed" : "failed";
  std::string hard = outcome.dsn.status;
  if (reporting_.soft_bounce_) queue::soften(outcome.dsn);
  auto& client =
      reporting_.soft_bounce_ ? reporting_.defer_ : reporting_.bounce_;
  auto appended = co_await append(client, outcome);
  if (!appended) {
    outcome.dsn.status = "4.3.0";
    outcome.dsn.reason = "bounce or trace service failure";
    co_await deferred(std::move(outcome));
    co_return;
  }
  if (reporting_.soft_bounce_) {
    outcome.dsn.status = hard;
    deferred_ = true;
    log(outcome, "SOFTBOUNCE");
    co_return;
  }
  if (request_.traced()) {
    auto traced = co_await append_trace(outcome);
    (void)traced;
  }
  log(outcome, "bounced");
  mark_done(*outcome.recipient);
}

net::Task<> Report::by_status(Outcome outcome) {
  switch (outcome.dsn.status.empty() ? '4' : outcome.dsn.status[0]) {
    case '5':
      co_await bounced(std::move(outcome));
      break;
    case '4':
      co_await deferred(std::move(outcome));
      break;
    default:
      co_await sent(std::move(outcome));
      break;
  }
}

}  // namespace mail::delivery
