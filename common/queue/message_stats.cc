#include "common/queue/message_stats.h"

#include <fmt/core.h>

#include <cstddef>
#include <cstring>

namespace mail::queue {
namespace {

static_assert(sizeof(MessageStats) == kStatsSize);
static_assert(offsetof(MessageStats, reuse_count) == 80);

bool is_set(timeval t) { return t.tv_sec > 0; }

/// to - from, not below zero.
timeval between(timeval from, timeval to) {
  timeval out{};
  timersub(&to, &from, &out);
  return out.tv_sec < 0 ? timeval{} : out;
}

}  // namespace

std::string encode_stats(const MessageStats& stats) {
  std::string out(kStatsSize, '\0');  // so that the padding is zero
  std::memcpy(out.data(), &stats, offsetof(MessageStats, reuse_count));
  std::memcpy(out.data() + offsetof(MessageStats, reuse_count),
              &stats.reuse_count, sizeof stats.reuse_count);
  return out;
}

Result<MessageStats> decode_stats(std::string_view bytes) {
  if (bytes.size() != kStatsSize) {
    return fail(Fault::Protocol,
                fmt::format("message times of {} bytes", bytes.size()));
  }
  MessageStats stats;
  std::memcpy(&stats, bytes.data(), kStatsSize);
  return stats;
}

timeval time_now() {
  timeval now{};
  gettimeofday(&now, nullptr);
  return now;
}

std::string format_delay(timeval span, int digits) {
  if (span.tv_sec < 0) return "0";
  long micros = span.tv_sec * 1'000'000 + span.tv_usec;
  long unit = 1'000'000;  // of the last digit shown, in microseconds
  int places = 0;
  while (places < digits && unit > 1 && (micros + unit / 2) / unit < 10) {
    unit /= 10;
    ++places;
  }
  long value = (micros + unit / 2) / unit;
  long scale = 1'000'000 / unit;
  if (places == 0) return fmt::format("{}", value);
  std::string out =
      fmt::format("{}.{:0{}}", value / scale, value % scale, places);
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
  return out;
}

timeval total_delay(const MessageStats& stats, timeval now) {
  return between(stats.incoming_arrival, now);
}

std::string format_delays(const MessageStats& s, timeval now, int digits) {
  timeval before{}, queued{}, setup{}, sent{};
  if (!is_set(s.active_arrival)) {
    before = between(s.incoming_arrival, now);  // never met a queue manager
  } else {
    before = between(s.incoming_arrival, s.active_arrival);
    if (!is_set(s.agent_handoff)) {
      queued = between(s.active_arrival, now);
    } else {
      queued = between(s.active_arrival, s.agent_handoff);
      if (is_set(s.conn_setup_done)) {
        setup = between(s.agent_handoff, s.conn_setup_done);
        sent = between(s.conn_setup_done, now);
      } else {
        sent = between(s.agent_handoff, now);
      }
    }
  }
  return fmt::format("{}/{}/{}/{}", format_delay(before, digits),
                     format_delay(queued, digits), format_delay(setup, digits),
                     format_delay(sent, digits));
}

}  // namespace mail::queue
