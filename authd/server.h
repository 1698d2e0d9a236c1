#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "authd/auth.h"
#include "authd/penalty.h"
#include "authd/worker_pool.h"
#include "common/daemon/dovecot_service.h"
#include "common/ipc/dovecot_auth.h"

namespace mail::authd {

class ClientConnection;

/// What all connections of the auth process share.
class Server {
 public:
  /// Reads databases' files, while still privileged.
  /// Errors: Config, the original's words.
  Result<> open(daemon::DovecotContext& context);

  /// The databases of a protocol: those outside of protocol {} and its own.
  /// Errors: the settings cannot be had, or are wrong (logged once).
  net::Task<Result<Auth*>> auth_for(std::string service);
  const Settings& settings() const { return *settings_; }
  const std::vector<ipc::AuthMechanism>& mechanisms() const {
    return mechanisms_;
  }
  Penalties& penalties() { return *penalties_; }
  unsigned flush_cache(const std::vector<std::string>& users);
  void log_cache_statistics();

  /// Connections at login sockets, by the pid that the client said.
  std::map<unsigned, ClientConnection*>& clients() { return clients_; }
  unsigned next_connection() { return next_connection_++; }

  /// DOVECOT-TOKEN's proof of a session; 40 hex digits.
  std::string token(const std::string& service, unsigned pid,
                    const std::string& user, const std::string& session) const;

 private:
  Result<> choose_mechanisms();
  Result<> read_token_secret();

  daemon::DovecotContext* context_ = nullptr;
  std::shared_ptr<const Settings> settings_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<WorkerPool> pool_;
  std::unique_ptr<Penalties> penalties_;
  std::vector<ipc::AuthMechanism> mechanisms_;
  std::unique_ptr<Auth> auth_;
  std::map<std::string, std::unique_ptr<Auth>> by_protocol_;
  std::map<unsigned, ClientConnection*> clients_;
  unsigned next_connection_ = 1;
  std::string token_secret_;
};

/// Of the process's settings; `context` gives the directories.
std::shared_ptr<const Settings> read_settings(
    const config::dovecot::Settings& from,
    const daemon::DovecotContext& context);

}  // namespace mail::authd
