#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// public/flush. Each reply is a Status: 0 ok, 3 bad, 4 denied, -1 fail.
inline constexpr char kFlushProtocol[] = "queue_flush_protocol";

/// request: "add" (site, queue_id), "send_site" (site), "send_file"
/// (queue_id), "rfrsh", "purge".
struct FlushRequest {
  std::string request, site, queue_id;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("request", m.request));
    if (m.request == "add" || m.request == "send_site") {
      TRY(io("site", m.site));
    }
    if (m.request == "add" || m.request == "send_file") {
      TRY(io("queue_id", m.queue_id));
    }
    return {};
  }
};

}  // namespace mail::ipc
