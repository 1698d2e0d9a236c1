#include "common/net/task_set.h"

namespace mail::net {

// A coroutine around each task, linked into the set through its promise. It
// frees its own frame at the end, when nothing runs in it any more.
struct TaskSet::Wrapper {
  struct promise_type : Node {
    TaskSet* set = nullptr;

    promise_type(TaskSet* owner, Task<>&) : set(owner) {
      next = &owner->list_;
      previous = owner->list_.previous;
      previous->next = this;
      owner->list_.previous = this;
      ++owner->size_;
    }
    ~promise_type() {
      next->previous = previous;
      previous->next = next;
      --set->size_;
    }
    promise_type(const promise_type&) = delete;
    promise_type& operator=(const promise_type&) = delete;

    struct Final {
      bool await_ready() const noexcept { return false; }
      void await_suspend(
          std::coroutine_handle<promise_type> self) const noexcept {
        TaskSet* owner = self.promise().set;
        self.destroy();
        owner->changed_.notify_all();
      }
      void await_resume() const noexcept {}
    };

    Wrapper get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    Final final_suspend() const noexcept { return {}; }
    void unhandled_exception() const noexcept { std::abort(); }
    void return_void() const noexcept {}
  };

  std::coroutine_handle<promise_type> handle;
};

TaskSet::Wrapper TaskSet::wrap(TaskSet*, Task<> task) { co_await task; }

void TaskSet::start(Task<> task) {
  wrap(this, std::move(task)).handle.resume();
}

void TaskSet::clear() {
  while (list_.next != &list_) {
    auto* promise = static_cast<Wrapper::promise_type*>(list_.next);
    std::coroutine_handle<Wrapper::promise_type>::from_promise(*promise)
        .destroy();
  }
}

Task<> TaskSet::drained() {
  while (size_ != 0) co_await changed_.wait();
}

}  // namespace mail::net
