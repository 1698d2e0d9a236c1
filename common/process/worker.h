#pragma once

#include <functional>
#include <memory>

namespace mail::process {

/// The one worker pool of a process, for what would block its loop: fsync,
/// user databases, password hashes. Threads start with the first job, so after
/// confinement. Jobs own what they touch.
class Worker {
 public:
  explicit Worker(unsigned threads = 8);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Waits for the jobs that have begun; drops the others.
  ~Worker();

  /// Runs `job` in a thread; drain() then calls `completed`.
  void submit(std::function<void()> job, std::function<void()> completed);

  /// Readable when drain() has something to do.
  int wake_fd() const;
  /// Calls `completed` of all jobs that have ended, in this thread.
  void drain();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mail::process
