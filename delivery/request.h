#pragma once

#include <vector>

#include "common/base/unique_fd.h"
#include "common/ipc/delivery.h"
#include "common/queue/message_stats.h"

namespace mail::delivery {

/// What the queue manager wants delivered: one message, to recipients that
/// have one next hop in common.
struct Request : ipc::DeliveryRequest {
  std::vector<ipc::Recipient> recipients;
  queue::MessageStats stats;  ///< decoded from time
  UniqueFd file;              ///< the queue file, locked (shared)

  bool traced() const { return flags & (ipc::delivery_flag::kRecord); }
  /// Only asks whether it would be delivered.
  bool is_probe() const {
    return flags &
           (ipc::delivery_flag::kMtaVerify | ipc::delivery_flag::kUserVerify);
  }
};

}  // namespace mail::delivery
