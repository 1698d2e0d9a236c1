#pragma once

#include <chrono>

#include "common/config/postfix/settings.h"
#include "common/ipc/tlsmgr_client.h"
#include "common/tls/ticket_keys.h"

namespace mail::smtpd {

/// The keys of TLS session tickets that tlsmgr(8) gives to all smtpd
/// processes, so that each resumes the sessions of the others.
class SharedTickets {
 public:
  explicit SharedTickets(const config::Settings& settings);

  /// Asks for a new key when one is wanted; before a handshake. Without
  /// tlsmgr, and while another session asks: a key of our own.
  net::Task<> refresh(tls::TicketKeys& keys);

 private:
  ipc::TlsmgrClient client_;
  std::chrono::seconds period_;
  bool asking_ = false;
};

}  // namespace mail::smtpd
