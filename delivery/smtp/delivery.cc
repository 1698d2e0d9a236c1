#include "delivery/smtp/delivery.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "delivery/loops.h"

namespace mail::smtpc {

namespace flag = ipc::delivery_flag;

std::unique_ptr<Session> Pool::take(const std::string& key) {
  Instant now = Clock::now();
  for (auto at = kept_.begin(); at != kept_.end();) {
    if (at->key != key) {
      ++at;
      continue;
    }
    auto session = std::move(at->session);
    bool fresh = at->until > now;
    at = kept_.erase(at);
    if (fresh && session->usable()) return session;
  }
  return nullptr;
}

void Pool::keep(std::string key, std::unique_ptr<Session> session,
                net::TaskSet& tasks) {
  kept_.push_front(
      {std::move(key), std::move(session), Clock::now() + config_.cache_time});
  if (expiring_) return;
  expiring_ = true;
  tasks.start(expire());
}

net::Task<> Pool::expire() {
  while (!kept_.empty()) {
    co_await net::sleep(std::chrono::seconds(1));
    Instant now = Clock::now();
    std::list<Kept> old;
    for (auto at = kept_.begin(); at != kept_.end();) {
      auto next = std::next(at);
      if (at->until <= now) old.splice(old.end(), kept_, at);
      at = next;
    }
    for (auto& kept : old) co_await kept.session->quit();
  }
  expiring_ = false;
}

Delivery::Delivery(Config& config, Pool& pool, net::TaskSet& tasks,
                   delivery::Request& request, delivery::Report& report)
    : config_(config),
      pool_(pool),
      tasks_(tasks),
      request_(request),
      report_(report) {
  for (const auto& recipient : request.recipients) left_.push_back(&recipient);
}

std::string Delivery::pool_key(const Destination& destination) const {
  std::string key = destination.text;
  if (config_.sender_dependent) key += '\n' + request_.sender;
  return key;
}

bool Delivery::may_keep(const Session& session,
                        const Destination& destination) const {
  if (session.broken() || session.encrypted()) return false;
  if (Clock::now() - session.opened_at() > config_.reuse_time) return false;
  if (config_.reuse_count > 0 &&
      static_cast<size_t>(session.reuse_count()) >= config_.reuse_count) {
    return false;
  }
  if (!destination.path.empty()) return config_.cache_on_demand;
  if (config_.cache_on_demand && (request_.flags & flag::kConnStore)) {
    return true;
  }
  return std::find(config_.cache_destinations.begin(),
                   config_.cache_destinations.end(),
                   lower(destination.host)) != config_.cache_destinations.end();
}

net::Task<ipc::Dsn> Delivery::run() {
  if (config_.add_delivered_to) co_await drop_loops();
  if (left_.empty()) co_return hop_;
  auto destinations =
      parse_destinations(request_.nexthop, config_.default_port, config_.mode);
  if (destinations && !config_.fallback_relay.empty() &&
      config_.mode == ClientMode::Smtp) {
    auto more = parse_destinations(config_.fallback_relay, config_.default_port,
                                   config_.mode);
    if (more) {
      destinations->insert(destinations->end(), more->begin(), more->end());
    }
  }
  if (!destinations || destinations->empty()) {
    auto gone = co_await give_up(
        nullptr,
        problem("4.3.5",
                destinations ? "no destination" : destinations.error().what),
        true);
    (void)gone;
    co_return hop_;
  }
  for (auto& destination : *destinations) {
    if (left_.empty()) break;
    bool last = &destination == &destinations->back();
    co_await try_destination(destination, last);
  }
  if (!left_.empty()) {
    Problem why =
        last_problem_.value_or(problem("4.4.1", "no server could be reached"));
    auto gone = co_await give_up(nullptr, std::move(why), true);
    (void)gone;
  }
  co_return hop_;
}

net::Task<> Delivery::try_destination(Destination destination, bool last) {
  bool may_reuse = !destination.path.empty() ||
                   (request_.flags & flag::kConnLoad) ||
                   !config_.cache_destinations.empty();
  if (may_reuse) {
    auto session = pool_.take(pool_key(destination));
    if (session) {
      session->used();
      connected_ = queue::time_now();
      auto fine = co_await send(*session, false);
      if (fine) {
        if (may_keep(*session, destination)) {
          pool_.keep(pool_key(destination), std::move(session), tasks_);
        } else {
          co_await session->quit();
        }
      }
      if (left_.empty()) co_return;
    }
  }
  auto servers = co_await find_servers(config_, destination);
  if (servers.problem) {
    auto gone = co_await give_up(nullptr, *servers.problem, last);
    (void)gone;
    co_return;
  }
  size_t tried = 0;
  for (auto& server : servers.list) {
    if (left_.empty()) co_return;
    if (config_.address_limit > 0 && tried++ >= config_.address_limit) break;
    bool last_server = last && (&server == &servers.list.back() ||
                                tried == config_.address_limit);
    bool limit =
        config_.session_limit > 0 && sessions_ + 1 >= config_.session_limit;
    auto done = co_await try_server(destination, server, last_server);
    if (done && limit && sessions_ >= config_.session_limit) break;
  }
}

/// True: a session was had.
net::Task<bool> Delivery::try_server(const Destination& destination,
                                     Server server, bool last) {
  auto session = std::make_unique<Session>(config_, server);
  auto failed = co_await session->open(
      destination, request_.sender, request_.queue_id, Session::Tls::AsPolicy);
  if (failed && failed->retry_plain) {
    session = std::make_unique<Session>(config_, server);
    failed = co_await session->open(destination, request_.sender,
                                    request_.queue_id, Session::Tls::Plain);
  }
  connected_ = queue::time_now();
  if (failed) {
    bool no_connection = failed->dsn.status == "4.4.1";
    if (no_connection) log::info(failed->dsn.reason);
    auto gone = co_await give_up(no_connection ? nullptr : session.get(),
                                 std::move(*failed), last);
    (void)gone;
    co_await session->quit();
    co_return !no_connection;
  }
  ++sessions_;
  auto fine = co_await send(*session, last);
  if (fine && may_keep(*session, destination)) {
    pool_.keep(pool_key(destination), std::move(session), tasks_);
  } else {
    co_await session->quit();
  }
  co_return true;
}

net::Task<bool> Delivery::give_up(const Session* session, Problem why,
                                  bool last) {
  bool permanent = why.dsn.status.starts_with('5');
  if (!last && !permanent) {
    if (session) {
      log::info(fmt::format("{}: {}", request_.queue_id, why.dsn.reason));
    }
    last_problem_ = std::move(why);
    co_return false;
  }
  if (why.throttle && !permanent) hop_ = why.dsn;
  auto all = std::exchange(left_, {});
  for (const auto* recipient : all) co_await settle(session, recipient, why);
  co_return true;
}

net::Task<> Delivery::settle(const Session* session,
                             const ipc::Recipient* recipient, Problem why) {
  std::erase(left_, recipient);
  auto outcome = report_.outcome(*recipient, why.dsn.status, why.dsn.reason);
  outcome.dsn = why.dsn;
  if (session) outcome.relay = session->server().relay();
  outcome.stats.conn_setup_done = connected_;
  outcome.stats.deliver_done = queue::time_now();
  if (session) outcome.stats.reuse_count = session->reuse_count();
  co_await report_.by_status(std::move(outcome));
}

net::Task<> Delivery::settle_sent(const Session& session,
                                  const ipc::Recipient* recipient,
                                  const smtp::ClientReply& reply) {
  std::erase(left_, recipient);
  std::string said = reply.reply.joined();
  auto outcome = report_.outcome(*recipient, reply.reply.dsn().text(), said);
  outcome.relay = session.server().relay();
  outcome.stats.conn_setup_done = connected_;
  outcome.stats.deliver_done = queue::time_now();
  outcome.stats.reuse_count = session.reuse_count();
  outcome.dsn.diag_type = "smtp";
  outcome.dsn.diag_text = said;
  outcome.dsn.mta_type = "dns";
  outcome.dsn.mta_mname = session.server().name;
  outcome.dsn.action = config_.final_delivery ? "delivered" : "relayed";
  co_await report_.sent(std::move(outcome));
}

/// A message that says it has been delivered to this recipient before.
net::Task<> Delivery::drop_loops() {
  auto seen = delivery::delivered_to(request_);
  auto all = left_;
  for (const auto* recipient : all) {
    std::string address = lower(mime::quote_local(recipient->recipient));
    if (std::find(seen.begin(), seen.end(), address) == seen.end()) continue;
    co_await settle(nullptr, recipient,
                    problem("5.4.6", fmt::format("mail forwarding loop for {}",
                                                 recipient->recipient)));
  }
}

}  // namespace mail::smtpc
