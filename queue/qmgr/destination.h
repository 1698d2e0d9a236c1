#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/ipc/groups.h"

namespace mail::qmgr {

struct Message;

/// Recipients of one message that go to one destination in one request.
struct Entry {
  Message* message = nullptr;
  std::vector<ipc::Recipient> recipients;
};

/// How a window reacts: "N", "N/M", "N/concurrency", "N/sqrt_concurrency"
/// (default_destination_concurrency_positive_feedback and its like).
struct Feedback {
  double amount = 1;
  enum class Scale { Fixed, Concurrency, SquareRoot } scale = Scale::Fixed;
  double at(double window) const;
};
/// Errors: Config, `bad feedback: X`.
Result<Feedback> parse_feedback(std::string_view text);

struct WindowLimits {
  int initial = 5;   ///< initial_destination_concurrency
  int maximum = 20;  ///< ..._destination_concurrency_limit, 0: none
  Feedback positive, negative;
  double failed_cohorts = 1;  ///< ..._failed_cohort_limit, 0: never dead
};

/// How many deliveries at once one destination bears (qmgr(8), concurrency
/// scheduling). Pure: time comes in.
class Window {
 public:
  explicit Window(const WindowLimits& limits);

  int size() const { return window_; }
  bool dead(Instant now) const { return now < dead_until_; }
  Instant dead_until() const { return dead_until_; }

  /// A delivery ended, and the destination itself was well.
  void succeeded(int busy);
  /// The destination itself is in trouble. True: it is dead from now on, for
  /// `span`.
  bool failed(Instant now, Duration span);
  /// Flushed: as new.
  void revive();

 private:
  const WindowLimits* limits_;
  int window_;
  double success_ = 0, failure_ = 0, cohorts_ = 0;
  Instant dead_until_{};
};

}  // namespace mail::qmgr
