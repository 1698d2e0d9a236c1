#include "common/ipc/tlsmgr_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "common/config/postfix/params.h"
#include "common/log/log.h"

namespace mail::ipc {

namespace param = config::param;

namespace {
constexpr std::chrono::seconds kPatience{3}, kRest{60};
}  // namespace

TlsmgrClient::TlsmgrClient(const config::Settings& settings)
    : client_({.path = "private/" + settings.get(param::tlsmgr_service_name),
               .protocol = kTlsmgrProtocol,
               .idle = settings.get(param::ipc_idle),
               .timeout = std::min<Duration>(settings.get(param::ipc_timeout),
                                             kPatience)}) {}

void TlsmgrClient::rest(const Error& error) {
  // Several may have waited for the same silence.
  if (!rests()) {
    log::warning(
        fmt::format("problem talking to server {}: {}", client_.options().path,
                    error.sys == ETIMEDOUT ? "no answer" : error.what));
  }
  resting_until_ = Clock::now() + kRest;
}

}  // namespace mail::ipc
