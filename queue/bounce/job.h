#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/ipc/bounce.h"
#include "common/queue/delivery_log.h"
#include "common/queue/spool.h"

namespace mail::bounce {

/// What a notice needs of the disk, read in one go on a worker.
struct Material {
  std::vector<queue::LogEntry> entries;  ///< of the log
  long arrival = 0;                      ///< seconds since 1970
  std::string message_id;                ///< the original's, <...>, or empty
  /// The original's lines, each with \n; only its header lines when it is
  /// larger than the limit.
  std::string header, body;
  bool has_body = false;
};

enum class Body { Wanted, Unwanted };

/// Reads the log `service`/ID (not for kOne) and the queue file. Without a log
/// nothing is to be told: no entries, and the file is not read.
/// Errors: those of the files; Protocol.
Result<Material> read_material(const queue::Layout& layout,
                               const std::string& service,
                               const ipc::BounceSend& request, Body body,
                               size_t limit);

/// Crosses the recipients off in the queue file. Errors: of the file.
Result<> cross_off(const queue::Layout& layout, const ipc::BounceSend& request,
                   const std::vector<long>& offsets);

}  // namespace mail::bounce
