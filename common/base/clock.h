#pragma once

#include <chrono>

namespace mail {

/// Deadlines and timers; not moved by someone who sets the clock.
using Clock = std::chrono::steady_clock;
using Duration = Clock::duration;
using Instant = Clock::time_point;
/// What goes into files, headers and logs.
using WallClock = std::chrono::system_clock;
using WallTime = WallClock::time_point;

}  // namespace mail
