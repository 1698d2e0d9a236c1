#include <fmt/format.h>

#include <ctime>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/ipc/cleanup.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "common/mime/date.h"
#include "common/queuefile/record.h"
#include "delivery/local/delivery.h"

// Recipients elsewhere: a new message for them, through cleanup(8).
namespace mail::local {

namespace param = config::param;
using queuefile::append_attribute;
using queuefile::append_record;
using queuefile::Type;

namespace {

/// owned: by the owner of a list, who has asked for no reports.
std::string envelope(const delivery::Request& request,
                     const ipc::Recipient& original, const std::string& sender,
                     const std::vector<std::string>& to, bool owned) {
  std::string out;
  const auto& arrival = request.stats.incoming_arrival;
  append_record(out, Type::Time,
                fmt::format("{} {}", arrival.tv_sec, arrival.tv_usec));
  append_record(out, Type::Sender, sender);
  auto attribute = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) append_attribute(out, name, value);
  };
  attribute("encoding", request.encoding);
  attribute("rewrite_context", request.rewrite_context);
  attribute("log_client_name", request.client_name);
  attribute("log_client_address", request.client_address);
  attribute("log_client_port", request.client_port);
  attribute("log_protocol_name", request.protocol_name);
  attribute("log_helo_name", request.helo_name);
  attribute("sasl_method", request.sasl_method);
  attribute("sasl_username", request.sasl_username);
  attribute("sasl_sender", request.sasl_sender);
  attribute("log_ident", request.log_ident);
  if (!owned) attribute("envelope_id", request.envelope_id);
  if (request.ret_flags != 0 && !owned) {
    append_attribute(out, "ret_flags", fmt::format("{}", request.ret_flags));
  }
  for (auto& recipient : to) {
    if (owned) {
      append_record(out, Type::Recipient, recipient);
      continue;
    }
    attribute("dsn_orig_rcpt", original.dsn_orig_rcpt);
    if (original.notify_flags != 0) {
      append_attribute(out, "notify_flags",
                       fmt::format("{}", original.notify_flags));
    }
    append_record(out, Type::OrigRecipient, original.original_recipient);
    append_record(out, Type::Recipient, recipient);
  }
  append_record(out, Type::Message, "");
  return out;
}

std::string local_date() {
  time_t now = time(nullptr);
  tm local{};
  localtime_r(&now, &local);
  mime::Zone zone{static_cast<int>(local.tm_gmtoff), local.tm_zone};
  return mime::format_date(now, zone);
}

int cleanup_flags(const config::Settings& settings) {
  int flags = ipc::cleanup_flag::kMap;
  for (auto name : split(settings.get(param::internal_mail_filter_classes))) {
    if (name == "forward") flags |= ipc::cleanup_flag::kFilter;
  }
  for (auto name : split(settings.get(param::smtputf8_autodetect_classes))) {
    if (name == "forward" || name == "all") {
      flags |= ipc::cleanup_flag::kAutoUtf8;
    }
  }
  return flags;
}

}  // namespace

net::Task<> Delivery::send_forwards() {
  for (auto& [key, forward] : forwards_) {
    auto id = co_await send_one(key.second, key.first, forward.to,
                                forward.state.owned);
    // The line speaks of the recipient that was expanded.
    State state = forward.state;
    state.recipient = original_->recipient;
    if (id) {
      co_await finish(state, "2.0.0", fmt::format("forwarded as {}", *id));
    } else {
      log::warning(fmt::format("{}: {}", request_.queue_id, id.error().what));
      co_await finish(state, "4.3.0", "mail forwarding service unavailable");
    }
  }
}

net::Task<Result<std::string>> Delivery::send_one(std::string sender,
                                                  std::string delivered_to,
                                                  std::vector<std::string> to,
                                                  bool owned) {
  const auto& s = *config_.settings;
  auto& cleanup = *config_.cleanup;
  auto deadline = net::Deadline::in(cleanup.options().timeout);
  auto connected = co_await cleanup.connect();
  net::Stream stream = CO_TRY(connected);
  auto greeting = co_await ipc::receive<ipc::CleanupGreeting>(
      stream, cleanup.peer(), deadline);
  CO_CHECK(greeting);
  ipc::CleanupFlags flags{cleanup_flags(s)};
  if (request_.smtputf8 & 1) flags.flags |= ipc::cleanup_flag::kSmtputf8;
  ipc::append(stream, flags);
  stream.write(envelope(request_, *original_, sender, to, owned));
  std::string& out = stream.output();
  append_record(out, Type::Text,
                fmt::format("Received: by {} ({})", s.get(param::myhostname),
                            s.get(param::mail_name)));
  append_record(out, Type::Text,
                fmt::format("\tid {}; {}", greeting->queue_id, local_date()));
  if (config_.mark_forwards) {
    append_record(
        out, Type::Text,
        fmt::format("Delivered-To: {}", mime::quote_local(delivered_to)));
  }
  queue::FileSource source(request_.file.get());
  queuefile::ContentReader reader(source,
                                  static_cast<uint64_t>(request_.data_offset));
  while (true) {
    auto piece = CO_TRY(reader.next());
    if (!piece) break;
    append_record(stream.output(), piece->ends_line ? Type::Text : Type::Cont,
                  piece->text);
    if (stream.output().size() < 65536) continue;
    auto sent = co_await stream.flush(deadline);
    if (!sent) break;  // cleanup says why, if it still can
  }
  append_record(stream.output(), Type::Extracted, "");
  append_record(stream.output(), Type::End, "");
  auto flushed = co_await stream.flush(deadline);
  (void)flushed;
  auto reply = co_await ipc::receive<ipc::StatusReason>(stream, cleanup.peer(),
                                                        deadline);
  CO_CHECK(reply);
  if (reply->status != ipc::cleanup_status::kOk) {
    co_return fail(Fault::Temporary,
                   fmt::format("forwarding: {}", reply->reason.empty()
                                                     ? "mail not accepted"
                                                     : reply->reason));
  }
  co_return greeting->queue_id;
}

}  // namespace mail::local
