#pragma once

#include "common/queue/message_stats.h"

namespace mail::queue {

/// What a delivery agent logs of one recipient. Addresses as they are to be
/// logged (info_log_address_format), without <>.
struct DeliveryLine {
  std::string_view queue_id;
  std::string_view recipient, original_recipient;
  std::string_view relay = "none";  ///< "local", "host[addr]:port"
  MessageStats stats;               ///< reuse_count gives conn_use=
  timeval now{};                    ///< when it was done
  std::string_view dsn;             ///< "2.0.0"
  std::string_view status;          ///< "sent", "deferred", "bounced", ...
  std::string_view text;            ///< what stands in ( )
};

/// "ID: to=<A>[, orig_to=<O>], relay=R[, conn_use=N], delay=D, delays=a/b/c/d,
/// dsn=X.Y.Z, status=S (TEXT)".
std::string delivery_line(const DeliveryLine& line, int digits = kDelayDigits);

}  // namespace mail::queue
