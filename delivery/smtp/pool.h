#pragma once

#include <list>
#include <memory>

#include "delivery/smtp/scache_client.h"
#include "delivery/smtp/session.h"

namespace mail::smtpc {

/// Sessions that are left open for the next delivery to the same place, within
/// smtp_connection_cache_time_limit: in this process, which serves most
/// deliveries; with scache(8) when another process will serve the next.
class Pool {
 public:
  Pool(Config& config, net::TaskSet& tasks)
      : config_(config), tasks_(tasks), scache_(*config.settings) {}

  /// What a session is looked up by.
  struct Keys {
    std::string destination;
    std::string address;  ///< of the server; empty: by destination alone
  };
  /// Only in this process, or with scache too, which costs an exchange.
  enum class Search { Here, Everywhere };

  /// A session that still lives, counted as reused; null if there is none.
  net::Task<std::unique_ptr<Session>> take(ScacheClient::Kind kind,
                                           std::string key, Search search);
  net::Task<> keep(Keys keys, std::unique_ptr<Session> session);

 private:
  struct Kept {
    Keys keys;
    std::unique_ptr<Session> session;
    Instant until;
  };
  std::unique_ptr<Session> take_here(ScacheClient::Kind kind,
                                     const std::string& key);
  net::Task<> expire();
  std::string label(std::string_view kind, const std::string& key) const;

  Config& config_;
  net::TaskSet& tasks_;
  ScacheClient scache_;
  std::list<Kept> kept_;
  bool expiring_ = false;
};

}  // namespace mail::smtpc
