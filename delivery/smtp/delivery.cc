#include "delivery/smtp/delivery.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "delivery/loops.h"

namespace mail::smtpc {

namespace flag = ipc::delivery_flag;

Delivery::Delivery(Config& config, Pool& pool, delivery::Request& request,
                   delivery::Report& report)
    : config_(config), pool_(pool), request_(request), report_(report) {
  for (const auto& recipient : request.recipients) left_.push_back(&recipient);
}

Pool::Keys Delivery::keys_of(const Destination& destination,
                             const Server* server) const {
  Pool::Keys out;
  out.destination = destination.text;
  if (config_.sender_dependent) out.destination += '\n' + request_.sender;
  if (server && caching_.by_address) out.address = server->where.text();
  return out;
}

net::Task<> Delivery::look_at_caching(const Destination& destination) {
  caching_ = {};
  bool inet = destination.path.empty();
  bool listed = false;
  if (!config_.cache_destinations.empty()) {
    auto match = co_await config_.cache_destinations.match(
        inet ? destination.host : destination.path);
    listed = match && *match;
  }
  bool demand = config_.cache_on_demand;
  bool wide = listed || (demand && (request_.flags & flag::kConnLoad));
  caching_.load = wide || (demand && !inet);
  caching_.store = listed || (demand && !inet) ||
                   (demand && (request_.flags & flag::kConnStore));
  if (wide && inet) caching_.search = Pool::Search::Everywhere;
  // Who it was opened for must not matter: no login, no demand for TLS.
  if (!inet || config_.sasl || !(caching_.load || caching_.store)) co_return;
  auto policy = co_await config_.tls_policies->find(destination);
  caching_.by_address = policy && policy->level <= tls::Level::May;
}

bool Delivery::may_keep(const Session& session) const {
  if (!caching_.store || session.broken() || session.encrypted()) return false;
  if (request_.is_probe()) return false;
  if (Clock::now() - session.opened_at() > config_.reuse_time) return false;
  return config_.reuse_count == 0 ||
         static_cast<size_t>(session.reuse_count()) < config_.reuse_count;
}

/// After a transaction: kept for the next, or closed.
net::Task<> Delivery::let_go(const Destination& destination,
                             std::unique_ptr<Session> session, bool fine) {
  if (fine && may_keep(*session)) {
    auto keys = keys_of(destination, &session->server());
    co_await pool_.keep(std::move(keys), std::move(session));
  } else {
    co_await session->quit();
  }
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

net::Task<bool> Delivery::try_kept(ScacheClient::Kind kind, std::string key,
                                   const Destination& destination, bool last) {
  auto session = co_await pool_.take(kind, std::move(key), caching_.search);
  if (!session) co_return false;
  kept_at_ = session->server().where.text();
  connected_ = queue::time_now();
  ++sessions_;
  auto fine = co_await send(*session, last);
  bool had_its_turn = !session->broken() || content_sent_;
  co_await let_go(destination, std::move(session), fine);
  co_return had_its_turn;
}

net::Task<> Delivery::try_destination(Destination destination, bool last) {
  auto servers = co_await find_servers(config_, destination);
  if (servers.problem) {
    auto gone = co_await give_up(nullptr, *servers.problem, last);
    (void)gone;
    co_return;
  }
  co_await look_at_caching(destination);
  if (caching_.load) {
    bool only = last && servers.list.size() == 1;
    auto had = co_await try_kept(ScacheClient::Kind::Destination,
                                 keys_of(destination, nullptr).destination,
                                 destination, only);
    if (left_.empty()) co_return;
    if (had) {
      std::erase_if(servers.list, [this](const Server& server) {
        return server.where.text() == kept_at_;
      });
    }
  }
  size_t tried = 0;
  for (auto& server : servers.list) {
    if (left_.empty()) co_return;
    if (config_.address_limit > 0 && tried++ >= config_.address_limit) break;
    bool last_server = last && (&server == &servers.list.back() ||
                                tried == config_.address_limit);
    bool limit =
        config_.session_limit > 0 && sessions_ + 1 >= config_.session_limit;
    if (caching_.load && caching_.by_address) {
      auto had =
          co_await try_kept(ScacheClient::Kind::Endpoint, server.where.text(),
                            destination, last_server);
      if (had) continue;
    }
    auto done = co_await try_server(destination, server, last_server);
    if (done && limit && sessions_ >= config_.session_limit) break;
  }
}

/// True: a session was had.
net::Task<bool> Delivery::try_server(const Destination& destination,
                                     Server server, bool last) {
  Session::Purpose purpose;
  purpose.destination = destination;
  purpose.sender = request_.sender;
  purpose.queue_id = request_.queue_id;
  const timeval &arrived = request_.stats.incoming_arrival,
                now = queue::time_now();
  purpose.queued = static_cast<double>(now.tv_sec - arrived.tv_sec);
  auto session = std::make_unique<Session>(config_, server);
  auto failed = co_await session->open(purpose);
  if (failed && failed->retry_plain) {
    purpose.tls = Session::Tls::Plain;
    session = std::make_unique<Session>(config_, server);
    failed = co_await session->open(purpose);
  }
  connected_ = queue::time_now();
  if (failed) {
    bool no_connection = failed->dsn.status == "4.4.1";
    if (no_connection) log::info(failed->dsn.reason);
    auto* spoken = no_connection || failed->no_relay ? nullptr : session.get();
    auto gone = co_await give_up(spoken, std::move(*failed), last);
    (void)gone;
    co_await session->quit();
    co_return !no_connection;
  }
  ++sessions_;
  auto fine = co_await send(*session, last);
  co_await let_go(destination, std::move(session), fine);
  co_return true;
}

/// Why it did not go here, for when it goes nowhere else.
void Delivery::remember(const Session* session, Problem why) {
  if (session) {
    why.relay = session->server().relay();
    why.reuse_count = session->reuse_count();
  }
  last_problem_ = std::move(why);
}

net::Task<bool> Delivery::give_up(const Session* session, Problem why,
                                  bool last) {
  bool permanent = why.dsn.status.starts_with('5');
  // A kept session may have ended unseen: its server gets a new one.
  bool stale = session && session->broken() && session->reuse_count() > 0 &&
               !content_sent_;
  if ((!last || stale) && !permanent) {
    if (session && !stale) {
      log::info(fmt::format("{}: {}", request_.queue_id, why.dsn.reason));
    }
    remember(session, std::move(why));
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
  if (session) {
    why.relay = session->server().relay();
    why.reuse_count = session->reuse_count();
  }
  if (!why.relay.empty()) outcome.relay = why.relay;
  outcome.stats.conn_setup_done = connected_;
  outcome.stats.deliver_done = queue::time_now();
  outcome.stats.reuse_count = why.reuse_count;
  co_await report_.by_status(std::move(outcome));
}

net::Task<> Delivery::settle_sent(const Session& session,
                                  const ipc::Recipient* recipient,
                                  const smtp::ClientReply& reply) {
  bool can_dsn = session.can(smtp::kDsn);
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
  if (!request_.is_probe()) {
    outcome.dsn.action = config_.final_delivery ? "delivered" : "relayed";
  }
  outcome.passed_on = can_dsn;
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
