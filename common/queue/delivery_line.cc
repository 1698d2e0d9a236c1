#include "common/queue/delivery_line.h"

#include <fmt/core.h>

#include <iterator>

#include "common/base/ascii.h"

namespace mail::queue {

std::string delivery_line(const DeliveryLine& line, int digits) {
  std::string out = fmt::format("{}: to=<{}>", line.queue_id, line.recipient);
  auto to = std::back_inserter(out);
  if (!line.original_recipient.empty() &&
      !iequals(line.original_recipient, line.recipient)) {
    fmt::format_to(to, ", orig_to=<{}>", line.original_recipient);
  }
  fmt::format_to(to, ", relay={}", line.relay);
  if (line.stats.reuse_count > 0) {
    fmt::format_to(to, ", conn_use={}", line.stats.reuse_count + 1);
  }
  fmt::format_to(to, ", delay={}, delays={}, dsn={}, status={} ({})",
                 format_delay(total_delay(line.stats, line.now), digits),
                 format_delays(line.stats, line.now, digits), line.dsn,
                 line.status, line.text);
  return out;
}

}  // namespace mail::queue
