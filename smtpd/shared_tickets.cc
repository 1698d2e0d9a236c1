#include "smtpd/shared_tickets.h"

#include "common/config/postfix/params.h"

namespace mail::smtpd {

namespace param = config::param;

SharedTickets::SharedTickets(const config::Settings& settings)
    : client_(settings),
      period_(settings.get(param::smtpd_tls_session_cache_timeout)) {}

net::Task<> SharedTickets::refresh(tls::TicketKeys& keys) {
  if (asking_ || !keys.wants_key(WallClock::now())) co_return;
  // Also when the session that asks is cancelled.
  struct Asking {
    bool& flag;
    explicit Asking(bool& f) : flag(f) { flag = true; }
    ~Asking() { flag = false; }
  } asking(asking_);
  ipc::TlsmgrRequest request;
  request.request = "tktkey";
  auto reply = co_await client_.ask<ipc::TlsmgrKeyReply>(request);
  if (!reply) co_return;
  auto key = tls::TicketKey::from_wire(reply->keybuf.bytes);
  if (reply->status != 0 || !key) co_return;
  // The time is when tlsmgr makes another; it takes tickets under this one
  // for as long again.
  key->expires += period_;
  keys.install(*key);
}

}  // namespace mail::smtpd
