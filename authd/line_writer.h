#pragma once

#include <string_view>

#include "common/net/stream.h"
#include "common/net/task_set.h"

namespace mail::authd {

/// Sends lines that several tasks produce: what comes while a write waits goes
/// with the next. A member behind the stream and the task set that it uses.
class LineWriter {
 public:
  LineWriter(net::Stream& stream, net::TaskSet& tasks)
      : stream_(stream), tasks_(tasks) {}

  void send(std::string_view line) {
    stream_.write(line);
    if (writing_) return;
    writing_ = true;
    tasks_.start(flush());
  }
  /// The peer has gone, or has not read for a minute.
  bool broken() const { return broken_; }

 private:
  net::Task<> flush() {
    while (!stream_.output().empty()) {
      auto sent =
          co_await stream_.flush(net::Deadline::in(std::chrono::seconds(60)));
      if (!sent) {
        broken_ = true;
        break;
      }
    }
    writing_ = false;
  }

  net::Stream& stream_;
  net::TaskSet& tasks_;
  bool writing_ = false, broken_ = false;
};

}  // namespace mail::authd
