#pragma once

#include <coroutine>
#include <memory>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/net/loop.h"

namespace mail::net {

/// A non-blocking descriptor that at most one task waits to read and one to
/// write. Level-triggered: wait first where an answer is expected, try first
/// where more bytes are known to be there.
class Descriptor {
 public:
  enum class Direction { Read, Write };

  class [[nodiscard]] Wait {
   public:
    Wait(Descriptor* descriptor, Direction direction, Deadline deadline)
        : descriptor_(descriptor), direction_(direction), deadline_(deadline) {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait();

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> caller);
    /// Errors: sys == ETIMEDOUT when the deadline has passed.
    Result<> await_resume();

   private:
    friend class Descriptor;
    Descriptor* descriptor_;
    Direction direction_;
    Deadline deadline_;
    std::coroutine_handle<> caller_;
    bool waiting_ = false;
    bool timed_out_ = false;
  };

  /// Takes the descriptor and makes it non-blocking.
  explicit Descriptor(UniqueFd fd);
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  int fd() const { return fd_.get(); }
  /// Gives the descriptor away; nothing may be waiting.
  UniqueFd release();

  Wait readable(Deadline deadline) {
    return Wait(this, Direction::Read, deadline);
  }
  Wait writable(Deadline deadline) {
    return Wait(this, Direction::Write, deadline);
  }

 private:
  Wait*& waiter(Direction direction) {
    return direction == Direction::Read ? reader_ : writer_;
  }
  static void on_event(int, short what, void* self);
  static void on_timer(void* self);
  void arm(Instant at);
  void wake(Wait* wait, bool timed_out);

  UniqueFd fd_;
  event* read_event_ = nullptr;
  event* write_event_ = nullptr;
  bool read_added_ = false;
  Wait* reader_ = nullptr;
  Wait* writer_ = nullptr;
  std::unique_ptr<Timer> timer_;
  Instant timer_at_ = Instant::max();  // max: not armed
};

}  // namespace mail::net
