#include "delivery/smtp/pool.h"

#include <fmt/format.h>

#include "common/daemon/siblings.h"

namespace mail::smtpc {

using Kind = ScacheClient::Kind;

std::unique_ptr<Session> Pool::take_here(Kind kind, const std::string& key) {
  Instant now = Clock::now();
  for (auto at = kept_.begin(); at != kept_.end();) {
    const std::string& own =
        kind == Kind::Destination ? at->keys.destination : at->keys.address;
    if (own != key) {
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

/// Another program's connections have labels of another kind.
std::string Pool::label(std::string_view kind, const std::string& key) const {
  return fmt::format("postcote {} {}\n{}", config_.process, kind, key);
}

net::Task<std::unique_ptr<Session>> Pool::take(Kind kind, std::string key,
                                               Search search) {
  auto session = take_here(kind, key);
  if (session || search == Search::Here) {
    if (session) session->used();
    co_return session;
  }
  std::string name = kind == Kind::Destination ? "to" : "at";
  auto found = co_await scache_.find(kind, label(name, key));
  if (!found) co_return session;
  session = Session::resume(config_, found->property, std::move(found->fd));
  if (!session) co_return session;
  auto alive = co_await session->probe();
  if (!alive) session.reset();
  if (session) session->used();
  co_return session;
}

net::Task<> Pool::keep(Keys keys, std::unique_ptr<Session> session) {
  if (daemon::hands_over() && session->server().where.path.empty()) {
    ScacheClient::Entry entry;
    entry.destination = label("to", keys.destination);
    // One that nobody may find by its address has a label of its own.
    entry.endpoint =
        keys.address.empty()
            ? label("of", keys.destination + "\n" + session->server().relay())
            : label("at", keys.address);
    entry.ttl = config_.cache_time;
    auto parked = session->park();
    entry.property = parked.property;
    entry.fd = std::move(parked.fd);
    co_await scache_.save(std::move(entry));
    co_return;
  }
  kept_.push_front(
      {std::move(keys), std::move(session), Clock::now() + config_.cache_time});
  if (expiring_) co_return;
  expiring_ = true;
  tasks_.start(expire());
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

}  // namespace mail::smtpc
