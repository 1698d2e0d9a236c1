#pragma once

#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/config/postfix/settings.h"
#include "common/ipc/conversation.h"
#include "common/ipc/tlsmgr.h"

namespace mail::ipc {

/// tlsmgr(8), asked in the midst of a handshake: what it keeps saves time, so
/// it is not waited for. One that does not answer within three seconds is left
/// alone for a minute, with one warning.
class TlsmgrClient {
 public:
  explicit TlsmgrClient(const config::Settings& settings);

  /// nullopt: no answer. Reply: as the request's kind (tlsmgr.h).
  template <class Reply>
  net::Task<std::optional<Reply>> ask(const TlsmgrRequest& request) {
    if (rests()) co_return std::nullopt;
    auto reply = co_await client_.ask<Reply>(request);
    if (reply) co_return std::move(*reply);
    rest(reply.error());
    co_return std::nullopt;
  }

 private:
  bool rests() const { return Clock::now() < resting_until_; }
  void rest(const Error& error);

  Client client_;
  Instant resting_until_{};
};

}  // namespace mail::ipc
