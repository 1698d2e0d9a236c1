#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "common/auth/dovecot_client.h"
#include "common/login/engine.h"
#include "common/login/settings.h"
#include "common/net/task.h"
#include "common/tls/server_context.h"

namespace mail::login {

class Client;

/// What all clients of a login process have in common.
struct Shared {
  Settings settings;
  auth::DovecotClient* auth = nullptr;
  tls::ServerContext* tls = nullptr;  ///< null: no TLS
  std::function<std::unique_ptr<Engine>()> make_engine;
  /// How many connections a user has from an address ("imap/192.0.2.9/user"),
  /// as anvil knows. Errors: it cannot be asked, then nobody is refused.
  std::function<net::Task<Result<unsigned>>(std::string)> count_connections;
  /// Those not logged in, the oldest first.
  std::list<Client*> waiting;

  /// What a client in this situation is offered; one object for all of them.
  std::shared_ptr<const Offer> offer(bool tls_on, bool secured, bool trusted);

 private:
  struct Made {
    unsigned generation = 0;
    bool available = false;
    std::shared_ptr<const Offer> offers[8];
  };
  Made made_;
};

}  // namespace mail::login
