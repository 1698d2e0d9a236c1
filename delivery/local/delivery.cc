#include "delivery/local/delivery.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/log/log.h"
#include "common/maps/address_find.h"
#include "common/mime/address.h"
#include "common/mime/header.h"

namespace mail::local {

namespace param = config::param;

namespace {
constexpr size_t kMaxDeliveredTo = 1000;
constexpr int kMaxLevel = 100;

/// Recipients of all Delivered-To: headers, lower case.
std::set<std::string> delivered_to(const delivery::Request& request) {
  std::set<std::string> out;
  queue::FileSource source(request.file.get());
  queuefile::ContentReader reader(source,
                                  static_cast<uint64_t>(request.data_offset));
  mime::HeaderSplitter headers;
  auto take = [&] {
    if (!headers.ready()) return;
    auto field = mime::split_header(headers.header());
    if (iequals(field.name, "Delivered-To")) {
      out.insert(lower(mime::unquote_local(trim(field.value))));
    }
  };
  while (out.size() < kMaxDeliveredTo) {
    auto piece = reader.next();
    // A file that cannot be read is found out when it is delivered.
    if (!piece || !*piece) break;
    bool more = headers.push((*piece)->text,
                             (*piece)->ends_line
                                 ? mime::HeaderSplitter::Piece::Complete
                                 : mime::HeaderSplitter::Piece::Continues);
    take();
    if (!more) return out;
  }
  headers.finish();
  take();
  return out;
}

}  // namespace

net::Task<> Delivery::finish(const State& state, ipc::Dsn dsn) {
  ipc::Recipient leaf = *original_;
  leaf.recipient = state.recipient;
  bool later = dsn.status.starts_with('4');
  // Crossed off when all branches have ended, not before.
  if (!later) leaf.offset = 0;
  // The sender was told of the list; of its members its owner hears.
  if (state.owned) leaf.notify_flags &= ~kNotifySuccess;
  deferred_ = deferred_ || later;
  auto outcome = report_.outcome(leaf, "", "");
  outcome.dsn = std::move(dsn);
  outcome.relay = config_.service;
  outcome.stats.deliver_done = queue::time_now();
  co_await report_.by_status(std::move(outcome));
}

net::Task<> Delivery::finish(const State& state, std::string status,
                             std::string reason) {
  ipc::Dsn dsn;
  dsn.status = std::move(status);
  dsn.reason = std::move(reason);
  co_await finish(state, std::move(dsn));
}

void Delivery::split(State& state) const {
  auto parts = mime::split_address(state.recipient);
  state.local = lower(parts.local);
  state.domain = parts.domain ? lower(*parts.domain) : "";
  if (state.local.starts_with('\\')) {
    state.local.erase(0, 1);
    state.no_aliases = true;
  }
  mime::SplitOptions options;
  options.owner_request_special =
      config_.settings->get(param::owner_request_special);
  auto split = mime::split_extension(
      state.local, config_.settings->get(param::recipient_delimiter), options);
  state.user = split.user;
  state.extension = split.extension.value_or("");
  if (state.extension.find('/') != std::string::npos) {
    log::warning(fmt::format("{}: address with illegal extension: {}",
                             request_.queue_id, state.local));
    state.extension.clear();
  }
}

bool Delivery::loops(const std::string& recipient) {
  if (!delivered_) delivered_ = delivered_to(request_);
  return delivered_->contains(lower(recipient));
}

bool Delivery::seen_before(const std::string& what) {
  size_t limit =
      static_cast<size_t>(config_.settings->get(param::duplicate_filter_limit));
  if (seen_.contains(what)) return true;
  if (limit == 0 || seen_.size() < limit) seen_.insert(what);
  return false;
}

net::Task<> Delivery::recipient(const ipc::Recipient& recipient) {
  original_ = &recipient;
  deferred_ = false;
  seen_.clear();
  forwards_.clear();
  State state;
  state.recipient = recipient.recipient;
  state.sender = request_.sender;
  state.delivered_to = recipient.recipient;
  int before = report_.status();
  co_await to_address(std::move(state));
  co_await send_forwards();
  bool handed_on = before == 0 && report_.status() != 0;
  if (!deferred_ && !handed_on) report_.mark_done(recipient);
}

net::Task<> Delivery::to_address(State state) {
  split(state);
  if (state.level == 0 && loops(state.recipient)) {
    co_await finish(
        state, "5.4.6",
        fmt::format("mail forwarding loop for {}", state.recipient));
    co_return;
  }
  if (state.user.empty()) {
    co_await finish(state, "5.1.3",
                    fmt::format("null username in \"{}\"", state.recipient));
    co_return;
  }
  if (state.level > kMaxLevel) {
    co_await finish(state, "5.4.6",
                    fmt::format("alias database loop for {}", state.recipient));
    co_return;
  }
  if (!state.no_aliases) {
    bool expanded = co_await to_alias(state);
    if (expanded) co_return;
  }
  // Nobody's file may be written with the rights of another's expansion.
  bool own = state.forwarder == state.user;
  // A .forward that names its owner means the mailbox: another place than the
  // address that has led to the file.
  std::string place = own ? "mailbox " : "address ";
  if (seen_before(place + lower(state.recipient))) co_return;
  if ((state.from == From::Forward || state.from == From::Include) && !own) {
    auto& forward = forwards_[{state.delivered_to, state.sender}];
    forward.state = state;
    forward.to.push_back(state.recipient);
    co_return;
  }
  co_await to_mailbox(std::move(state));
}

delivery::CopyOptions Delivery::copy_options(const State& state,
                                             bool mark) const {
  delivery::CopyOptions out;
  out.head =
      fmt::format("Return-Path: <{}>\n", mime::quote_local(state.sender));
  if (config_.settings->get(param::enable_original_recipient) &&
      !original_->original_recipient.empty()) {
    out.head += fmt::format("X-Original-To: {}\n",
                            mime::quote_local(original_->original_recipient));
  }
  if (mark) {
    const std::string& to = config_.settings->get(param::frozen_delivered_to)
                                ? state.delivered_to
                                : state.recipient;
    out.head += fmt::format("Delivered-To: {}\n", mime::quote_local(to));
  }
  return out;
}

}  // namespace mail::local
