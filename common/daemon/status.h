#pragma once

#include "common/base/result.h"
#include "common/net/stream.h"

namespace mail::daemon {

/// The status channel to master(8) on descriptor 5: twelve bytes, three native
/// ints (pid, generation, 1 available or 0 taken), each in one write.
class StatusChannel {
 public:
  static constexpr int kFd = 5;
  /// generation: $GENERATION, octal.
  /// Errors: Config, descriptor 5 is not open.
  static Result<StatusChannel> open();

  StatusChannel(StatusChannel&&) = default;

  /// Says so unless that was said last. False: the master does not listen.
  bool say_available(bool available);
  /// Returns when the master is gone or has disowned us.
  net::Task<> closed();

 private:
  explicit StatusChannel(unsigned generation);
  net::Stream stream_;
  unsigned generation_;
  bool available_ = true;  // what the master believes of a new child
};

}  // namespace mail::daemon
