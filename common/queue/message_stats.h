#pragma once

#include <sys/time.h>

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace mail::queue {

/// When things happened to a message, handed from qmgr to the delivery agents
/// (DeliveryRequest::time) as the native struct of the originals: five struct
/// timeval, an int, padding. Zero: has not happened, or does not apply.
struct MessageStats {
  timeval incoming_arrival{}, active_arrival{}, agent_handoff{},
      conn_setup_done{}, deliver_done{};
  int reuse_count = 0;  ///< of the connection; 0: a new one
};
inline constexpr size_t kStatsSize = 88;

std::string encode_stats(const MessageStats& stats);
/// Errors: Protocol, not of kStatsSize.
Result<MessageStats> decode_stats(std::string_view bytes);

/// The current time.
timeval time_now();

/// delay_logging_resolution_limit's default.
inline constexpr int kDelayDigits = 2;
/// A time span as the logs have it: two significant digits, at most `digits`
/// behind the point, rounded, no zeros at the end. Negative spans are "0".
std::string format_delay(timeval span, int digits = kDelayDigits);
/// From arrival to `now` (seconds and microseconds).
timeval total_delay(const MessageStats& stats, timeval now);
/// "a/b/c/d": before qmgr / in qmgr / connection setup / transmission.
std::string format_delays(const MessageStats& stats, timeval now,
                          int digits = kDelayDigits);

}  // namespace mail::queue
