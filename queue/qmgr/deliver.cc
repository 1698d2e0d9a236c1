#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/log/log.h"
#include "common/net/listener.h"
#include "queue/qmgr/manager.h"

namespace mail::qmgr {

namespace flag = ipc::delivery_flag;
namespace param = config::param;

namespace {
/// Deliveries to one destination that follow each other so closely may use
/// one connection.
constexpr std::chrono::seconds kBackToBack{1};

}  // namespace

Transport& Manager::transport(const std::string& name) {
  auto& place = transports_[name];
  if (place) return *place;
  auto opened = open_transport(settings_, name);
  if (!opened) log::fatal(opened.error().what);
  place = std::move(*opened);
  return *place;
}

void Manager::pump_all() {
  for (auto& [name, transport] : transports_) {
    for (auto& [queue, destination] : transport->destinations) {
      pump(*destination);
    }
  }
}

/// Starts as many deliveries as the destination bears.
void Manager::pump(Destination& d) {
  Instant now = Clock::now();
  Transport& t = d.transport;
  if (d.window.dead(now) && !d.waiting.empty()) {
    suspend(d);
    return;
  }
  while (!d.waiting.empty() && d.busy < d.window.size() && !d.paced &&
         !t.paced && t.busy < process_limit_) {
    if (t.dead(now)) {
      auto entry = std::move(d.waiting.front());
      d.waiting.pop_front();
      ipc::Dsn why;
      why.status = "4.3.0";
      why.reason = "mail transport unavailable";
      tasks_.start(defer_entry(std::move(entry), std::move(why)));
      continue;
    }
    auto entry = std::move(d.waiting.front());
    d.waiting.pop_front();
    ++d.busy;
    ++t.busy;
    if (t.transport_rate_delay > Duration::zero()) {
      t.paced = true;
      tasks_.start(pace_transport(&t));
    }
    tasks_.start(deliver(&d, std::move(entry)));
  }
}

net::Task<> Manager::pace(Destination* d) {
  co_await net::sleep(d->transport.rate_delay);
  d->paced = false;
  pump(*d);
}

net::Task<> Manager::pace_transport(Transport* t) {
  co_await net::sleep(t->transport_rate_delay);
  t->paced = false;
  for (auto& [name, destination] : t->destinations) pump(*destination);
}

/// Dead: what waits is deferred, with the reason of the trouble.
void Manager::suspend(Destination& d) {
  ipc::Dsn why = d.trouble;
  why.reason = "delivery temporarily suspended: " + why.reason;
  if (!why.status.starts_with('4')) why.status = "4.0.0";
  while (!d.waiting.empty()) {
    auto entry = std::move(d.waiting.front());
    d.waiting.pop_front();
    tasks_.start(defer_entry(std::move(entry), why));
  }
}

net::Task<> Manager::wake_later(Instant when) {
  co_await net::sleep(net::Deadline(when));
  pump_all();
}

void Manager::wake_at(Instant when) { tasks_.start(wake_later(when)); }

net::Task<Result<ipc::DeliveryReply>> Manager::exchange(
    const std::string& service, ipc::DeliveryRequest request,
    const std::vector<ipc::Recipient>& recipients) {
  std::string path = "private/" + service;
  auto contact = net::Deadline::in(settings_.get(param::qmgr_ipc_timeout));
  auto fd = co_await net::connect_unix(path, contact);
  net::Stream stream(CO_TRY(fd));
  auto greeted = co_await ipc::expect_greeting(stream, ipc::kDeliveryProtocol,
                                               path + " socket", contact);
  CO_CHECK(greeted);
  request.recipient_count = static_cast<int>(recipients.size());
  ipc::append(stream, request);
  for (const auto& recipient : recipients) ipc::append(stream, recipient);
  auto daemon_time =
      net::Deadline::in(settings_.get(param::qmgr_daemon_timeout));
  auto sent = co_await stream.flush(daemon_time);
  CO_CHECK(sent);
  auto reply = co_await ipc::receive<ipc::DeliveryReply>(
      stream, path + " socket", daemon_time);
  co_return reply;
}

net::Task<> Manager::deliver(Destination* d, Entry entry) {
  Transport& t = d->transport;
  Message& message = *entry.message;
  message.stats.agent_handoff = queue::time_now();
  Instant begun = Clock::now();
  int flags = flag::kSuccess;
  bool close = begun - d->last_finished < kBackToBack || !d->waiting.empty();
  if (close) flags |= flag::kConnLoad | flag::kConnStore;
  auto reply = co_await exchange(t.name, request_of(message, d->nexthop, flags),
                                 entry.recipients);
  Instant now = Clock::now();
  --d->busy;
  --t.busy;
  d->last_finished = now;
  if (t.rate_delay > Duration::zero()) {
    d->paced = true;
    tasks_.start(pace(d));
  }
  if (!reply) {
    // Not the destination's fault: the agent could not be asked, or died.
    bool unavailable = reply.error().what.starts_with("connect to");
    if (unavailable) {
      log::warning(fmt::format("connect to transport {}",
                               reply.error().what.substr(11)));
      t.dead_until = now + retry_time_;
      wake_at(t.dead_until);
    } else {
      log::warning(reply.error().what);
    }
    ipc::Dsn why;
    why.status = "4.3.0";
    why.reason = unavailable ? "mail transport unavailable"
                             : "unknown mail transport error";
    if (!unavailable) {
      d->trouble = why;
      if (d->window.failed(now, minimal_backoff_)) {
        wake_at(d->window.dead_until());
      }
    }
    co_await defer_entry(std::move(entry), std::move(why));
  } else {
    if (reply->dsn.status.empty()) {
      d->window.succeeded(d->busy);
    } else {
      d->trouble = reply->dsn;
      if (d->window.failed(now, minimal_backoff_)) {
        wake_at(d->window.dead_until());
      }
    }
    recipients_ -= entry.recipients.size();
    entry_done(message, reply->status != 0);
  }
  pump(*d);
  // A place in the transport has become free for others.
  for (auto& [name, other] : t.destinations) {
    if (other.get() != d && !other->waiting.empty()) pump(*other);
  }
}

/// Through the retry transport, which logs and notes it.
net::Task<> Manager::defer_entry(Entry entry, ipc::Dsn why) {
  Message& message = *entry.message;
  message.stats.agent_handoff = queue::time_now();
  std::string text = why.status + " " + why.reason;
  auto reply = co_await exchange("retry", request_of(message, text, 0),
                                 entry.recipients);
  // Without the retry service the message still waits; only no line says why.
  if (!reply) log::warning(reply.error().what);
  recipients_ -= entry.recipients.size();
  entry_done(message, true);
}

void Manager::entry_done(Message& message, bool deferred) {
  message.deferred = message.deferred || deferred;
  if (--message.outstanding > 0) return;
  tasks_.start(finish(&message));
}

}  // namespace mail::qmgr
