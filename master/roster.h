#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/clock.h"

namespace mail::master {

/// What a child says on its status channel: three native ints in one write.
///   bytes 0..3 pid | 4..7 generation ($GENERATION) | 8..11 1 idle, 0 busy
struct StatusMessage {
  static constexpr size_t kSize = 12;
  pid_t pid = 0;
  unsigned generation = 0;
  bool available = false;

  static StatusMessage decode(std::string_view twelve_bytes);
};

/// The children of one service: who is idle, whether another may be started.
/// Pure; time comes in as an argument.
class Roster {
 public:
  static constexpr std::chrono::seconds kStressTime{1000};

  /// process_limit: 0 is none. warns: the service meets strangers, so that
  /// reaching the limit is news (and stress).
  Roster(long process_limit, bool warns, Duration throttle_time)
      : limit_(process_limit), warns_(warns), throttle_(throttle_time) {}

  /// Whether a client who comes now needs a new child: nobody is idle, one
  /// more is allowed, and the service is not throttled.
  bool wants_child(Instant now) const;
  /// Until when nothing is started; nullopt: not throttled.
  std::optional<Instant> throttled(Instant now) const;
  void throttle(Instant now) { throttled_until_ = now + throttle_; }

  /// A child counts as idle until it says otherwise.
  void started(pid_t pid, unsigned generation, Instant now);
  enum class Known { Yes, No };
  /// Messages of strangers and of earlier generations change nothing.
  Known told(const StatusMessage& message);
  enum class Exit { Fine, BadStart, Unknown };
  /// BadStart: it failed and had never finished a client: the service is now
  /// throttled (a child that lived for longer than that is no such case).
  Exit exited(pid_t pid, bool failed, Instant now);

  /// True once per kStressTime while all allowed children are busy: warn, and
  /// new children are told of stress.
  bool take_limit_warning(Instant now);
  bool stressed(Instant now) const {
    return stressed_until_ && now < *stressed_until_;
  }

  /// The limits changed; the children live on without us (reload).
  void disown() { children_.clear(), idle_ = 0; }
  std::vector<pid_t> pids() const;
  size_t size() const { return children_.size(); }
  long limit() const { return limit_; }

 private:
  struct Child {
    unsigned generation = 0;
    bool idle = true;
    unsigned uses = 0;
    Instant born;
  };
  long limit_;
  bool warns_;
  Duration throttle_;
  std::map<pid_t, Child> children_;
  size_t idle_ = 0;
  std::optional<Instant> throttled_until_, stressed_until_;
};

}  // namespace mail::master
