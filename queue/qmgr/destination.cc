#include "queue/qmgr/destination.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::qmgr {

namespace {

std::optional<double> decimal(std::string_view text) {
  double value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

double Feedback::at(double window) const {
  switch (scale) {
    case Scale::Fixed:
      return amount;
    case Scale::Concurrency:
      return amount / std::max(1.0, window);
    case Scale::SquareRoot:
      return amount / std::sqrt(std::max(1.0, window));
  }
  return amount;
}

Result<Feedback> parse_feedback(std::string_view text) {
  Feedback out;
  size_t slash = text.find('/');
  auto amount = decimal(trim(text.substr(0, slash)));
  if (!amount) {
    return fail(Fault::Config, fmt::format("bad feedback: {}", text));
  }
  out.amount = *amount;
  if (slash == std::string_view::npos) return out;
  std::string_view scale = trim(text.substr(slash + 1));
  if (scale == "concurrency") {
    out.scale = Feedback::Scale::Concurrency;
  } else if (scale == "sqrt_concurrency") {
    out.scale = Feedback::Scale::SquareRoot;
  } else {
    auto divisor = decimal(scale);
    if (!divisor || *divisor == 0) {
      return fail(Fault::Config, fmt::format("bad feedback: {}", text));
    }
    out.amount /= *divisor;
  }
  return out;
}

Window::Window(const WindowLimits& limits) : limits_(&limits) { revive(); }

void Window::revive() {
  window_ = limits_->maximum > 0 ? std::min(limits_->initial, limits_->maximum)
                                 : limits_->initial;
  success_ = failure_ = cohorts_ = 0;
  dead_until_ = {};
}

void Window::succeeded(int busy) {
  failure_ = 0;
  cohorts_ = 0;
  // A window that is not used is not made larger.
  if (window_ >= busy + limits_->initial) return;
  success_ += limits_->positive.at(window_);
  while (success_ >= 1) {
    success_ -= 1;
    if (limits_->maximum == 0 || window_ < limits_->maximum) ++window_;
  }
}

bool Window::failed(Instant now, Duration span) {
  success_ = 0;
  if (limits_->failed_cohorts > 0) {
    cohorts_ += 1.0 / window_;
    if (cohorts_ >= limits_->failed_cohorts) {
      revive();
      dead_until_ = now + span;
      return true;
    }
  }
  failure_ += limits_->negative.at(window_);
  while (failure_ >= 1 && window_ > 1) {
    failure_ -= 1;
    --window_;
  }
  return false;
}

}  // namespace mail::qmgr
