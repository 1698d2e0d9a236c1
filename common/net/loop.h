#pragma once

#include <coroutine>
#include <functional>
#include <memory>

#include "common/base/clock.h"
#include "common/net/deadline.h"
#include "common/net/task.h"

struct event_base;
struct event;

namespace mail::net {

class ReadyList;

/// A place in one list of coroutines that will go on; leaves it when
/// destroyed, so that a cancelled task is never resumed.
class Ready {
 public:
  Ready() = default;
  Ready(const Ready&) = delete;
  Ready& operator=(const Ready&) = delete;
  ~Ready() { unlink(); }

  std::coroutine_handle<> handle;

  void push_to(ReadyList& list);
  void unlink();
  bool linked() const { return next_ != nullptr; }

 private:
  friend class ReadyList;
  Ready* next_ = nullptr;
  Ready* previous_ = nullptr;
};

class ReadyList {
 public:
  ReadyList() { head_.next_ = head_.previous_ = &head_; }
  ~ReadyList() {
    while (Ready* r = first()) r->unlink();
    head_.next_ = head_.previous_ = nullptr;
  }
  bool empty() const { return head_.next_ == &head_; }
  Ready* first() { return empty() ? nullptr : head_.next_; }

 private:
  friend class Ready;
  Ready head_;
};

/// One event loop a process (libevent behind it). All of net works on the
/// thread's current loop: the one constructed last.
class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  /// Until stop().
  void run();
  void stop() { stopped_ = true; }
  /// Until `task` has ended; its value. For commands and tests.
  template <class T>
  T run(Task<T> task) {
    struct Stop {
      static Task<> after(Loop* loop, Task<T>* inner,
                          std::optional<T>* result) {
        *result = co_await *inner;
        loop->stop();
      }
    };
    std::optional<T> result;
    Task<> outer = Stop::after(this, &task, &result);
    run_outer(outer);
    return std::move(*result);
  }
  void run(Task<void> task);

  /// Resumes the coroutine from the loop's next round.
  void make_ready(Ready* ready);
  /// Calls `function` from the loop's next round.
  void post(std::function<void()> function);
  /// Calls `function` in the loop whenever signal `number` has come.
  void on_signal(int number, std::function<void()> function);

  event_base* base() { return base_; }

 private:
  void run_outer(Task<>& outer);
  void round();

  struct Posted;
  event_base* base_;
  bool stopped_ = false;
  ReadyList ready_;
  std::unique_ptr<Posted> posted_;
  Loop* outer_loop_;
};

/// The current loop of this thread.
Loop& loop();

/// A timer: calls `fire(argument)` once at the instant. Re-arming is cheap.
class Timer {
 public:
  using Fire = void (*)(void*);
  Timer(Fire fire, void* argument);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  void set(Instant when);
  void cancel();

 private:
  static void on_event(int, short, void* self);
  Fire fire_;
  void* argument_;
  event* event_;
};

/// co_await sleep(5s): goes on after that time.
class [[nodiscard]] sleep {
 public:
  explicit sleep(Duration span) : until_(Clock::now() + span) {}
  explicit sleep(Deadline until) : until_(until.at()) {}
  sleep(const sleep&) = delete;
  sleep& operator=(const sleep&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller);
  void await_resume() const noexcept {}

 private:
  Instant until_;
  std::coroutine_handle<> caller_;
  std::unique_ptr<Timer> timer_;
};

/// co_await yield(): lets other tasks run first.
class [[nodiscard]] yield : private Ready {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    handle = caller;
    loop().make_ready(this);
  }
  void await_resume() const noexcept {}
};

}  // namespace mail::net
