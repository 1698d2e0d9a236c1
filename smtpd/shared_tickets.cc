#include "smtpd/shared_tickets.h"

#include <fmt/format.h>

#include "common/config/postfix/params.h"
#include "common/ipc/tlsmgr.h"
#include "common/log/log.h"

namespace mail::smtpd {

namespace param = config::param;

namespace {
constexpr std::chrono::seconds kPause{60};
}  // namespace

SharedTickets::SharedTickets(const config::Settings& settings)
    : client_({.path = "private/" + settings.get(param::tlsmgr_service_name),
               .protocol = ipc::kTlsmgrProtocol,
               .idle = settings.get(param::ipc_idle),
               .timeout = settings.get(param::ipc_timeout)}),
      period_(settings.get(param::smtpd_tls_session_cache_timeout)) {}

net::Task<> SharedTickets::refresh(tls::TicketKeys& keys) {
  if (!keys.wants_key(WallClock::now())) co_return;
  Instant now = Clock::now();
  if (has_failed_ && now - failed_ < kPause) co_return;
  has_failed_ = true;  // for those who come while this one asks
  failed_ = now;
  ipc::TlsmgrRequest request;
  request.request = "tktkey";
  auto reply = co_await client_.ask<ipc::TlsmgrKeyReply>(request);
  if (!reply) {
    log::warning(fmt::format("problem talking to server private/tlsmgr: {}",
                             reply.error().what));
    co_return;
  }
  auto key = tls::TicketKey::from_wire(reply->keybuf.bytes);
  if (reply->status != 0 || !key) co_return;
  // The time is when tlsmgr makes another; it takes tickets under this one
  // for as long again.
  key->expires += period_;
  keys.install(*key);
  has_failed_ = false;
}

}  // namespace mail::smtpd
