#pragma once

#include "common/base/clock.h"

namespace mail::net {

/// The instant at which a wait gives up.
class Deadline {
 public:
  explicit Deadline(Instant at) : at_(at) {}
  static Deadline in(Duration span) { return Deadline(Clock::now() + span); }
  /// Only for waits that no peer can stretch (a listener, our own condition).
  static Deadline never() { return Deadline(Instant::max()); }

  Instant at() const { return at_; }
  bool is_never() const { return at_ == Instant::max(); }
  bool passed() const { return !is_never() && Clock::now() >= at_; }

 private:
  Instant at_;
};

}  // namespace mail::net
