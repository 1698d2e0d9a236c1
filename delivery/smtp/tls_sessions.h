#pragma once

#include <string>

#include "common/config/postfix/settings.h"
#include "common/ipc/tlsmgr_client.h"

namespace mail::smtpc {

/// TLS sessions that tlsmgr(8) keeps for later connections to the same server
/// (smtp_tls_session_cache_database). Trouble is one warning, and a full
/// handshake.
class TlsSessions {
 public:
  /// type: "smtp" or "lmtp", whose cache it is.
  TlsSessions(const config::Settings& settings, std::string type);

  /// The session, ASN.1; empty: none.
  net::Task<std::string> find(std::string key);
  net::Task<> save(std::string key, std::string session);
  net::Task<> forget(std::string key);

 private:
  ipc::TlsmgrClient client_;
  std::string type_;
};

}  // namespace mail::smtpc
