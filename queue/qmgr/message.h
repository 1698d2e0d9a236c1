#pragma once

#include <string>
#include <vector>

#include "common/ipc/delivery.h"
#include "common/queue/message_stats.h"
#include "common/queuefile/envelope.h"

namespace mail::qmgr {

/// A message in the active queue.
struct Message {
  std::string id;
  queuefile::EnvelopeParser parser;
  queue::MessageStats stats;
  bool expire_now = false;  ///< postsuper -e
  bool deferred = false;    ///< somebody must be tried again
  bool any_success_notice = false;
  size_t outstanding = 0;  ///< entries not yet answered
  size_t recipients_in_memory = 0;

  const queuefile::Envelope& envelope() const { return parser.envelope(); }
  long created() const {
    return envelope().create_time ? envelope().create_time
                                  : envelope().arrival_sec;
  }
  const std::string& sender() const {
    static const std::string null;
    return envelope().sender ? *envelope().sender : null;
  }
};

/// The request that a delivery agent gets, but for its recipients.
ipc::DeliveryRequest request_of(const Message& message,
                                const std::string& nexthop, int flags);

}  // namespace mail::qmgr
