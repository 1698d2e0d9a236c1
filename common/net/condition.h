#pragma once

#include <coroutine>

#include "common/net/loop.h"

namespace mail::net {

/// Where tasks wait until another task says that something has changed. The
/// woken run from the loop, not inside notify; check the state again then.
class Condition {
 public:
  class Waiter : private Ready {
   public:
    explicit Waiter(Condition* condition) : condition_(condition) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> caller) {
      handle = caller;
      push_to(condition_->waiting_);
    }
    void await_resume() const noexcept {}

   private:
    Condition* condition_;
  };

  Waiter wait() { return Waiter(this); }
  void notify_one() {
    if (Ready* first = waiting_.first()) loop().make_ready(first);
  }
  void notify_all() {
    while (Ready* first = waiting_.first()) loop().make_ready(first);
  }
  bool has_waiters() const { return !waiting_.empty(); }

 private:
  ReadyList waiting_;
};

}  // namespace mail::net
