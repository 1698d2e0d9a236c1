#include "common/net/loop.h"

#include <event2/event.h>

#include <csignal>
#include <vector>

#include "common/base/check.h"

namespace mail::net {

namespace {

thread_local Loop* current_loop = nullptr;

timeval as_timeval(Duration span) {
  // One millisecond more than asked for: epoll counts in whole ones, and a
  // timer that fires early would only be armed again.
  auto us = std::chrono::duration_cast<std::chrono::microseconds>(span);
  if (us.count() < 0) us = us.zero();
  timeval out;
  out.tv_sec = us.count() / 1000000;
  out.tv_usec = us.count() % 1000000;
  return out;
}

}  // namespace

void Ready::push_to(ReadyList& list) {
  unlink();
  next_ = &list.head_;
  previous_ = list.head_.previous_;
  previous_->next_ = this;
  list.head_.previous_ = this;
}

void Ready::unlink() {
  if (!next_) return;
  next_->previous_ = previous_;
  previous_->next_ = next_;
  next_ = previous_ = nullptr;
}

struct Loop::Posted {
  struct Signal {
    std::function<void()> function;
    event* handle = nullptr;
    ~Signal() {
      if (handle) event_free(handle);
    }
    static void fire(int, short, void* self) {
      static_cast<Signal*>(self)->function();
    }
  };
  std::vector<std::function<void()>> functions;
  std::vector<std::unique_ptr<Signal>> signals;
};

Loop& loop() {
  CHECK(current_loop != nullptr);
  return *current_loop;
}

Loop::Loop() : posted_(std::make_unique<Posted>()), outer_loop_(current_loop) {
  event_config* config = event_config_new();
  CHECK(config != nullptr);
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  base_ = event_base_new_with_config(config);
  event_config_free(config);
  CHECK(base_ != nullptr);
  current_loop = this;
}

Loop::~Loop() {
  posted_.reset();
  event_base_free(base_);
  current_loop = outer_loop_;
}

void Loop::make_ready(Ready* ready) { ready->push_to(ready_); }

void Loop::post(std::function<void()> function) {
  posted_->functions.push_back(std::move(function));
}

void Loop::on_signal(int number, std::function<void()> function) {
  auto signal = std::make_unique<Posted::Signal>();
  signal->function = std::move(function);
  signal->handle =
      evsignal_new(base_, number, Posted::Signal::fire, signal.get());
  CHECK(signal->handle != nullptr);
  event_add(signal->handle, nullptr);
  posted_->signals.push_back(std::move(signal));
}

void Loop::round() {
  // Only those that are ready now: who makes itself ready again waits a round,
  // so descriptors and timers are not starved.
  ReadyList batch;
  while (Ready* r = ready_.first()) r->push_to(batch);
  while (Ready* r = batch.first()) {
    r->unlink();
    r->handle.resume();
  }
  auto functions = std::exchange(posted_->functions, {});
  for (auto& function : functions) function();
  if (stopped_) return;
  bool idle = ready_.empty() && posted_->functions.empty();
  event_base_loop(
      base_, EVLOOP_ONCE | (idle ? EVLOOP_NO_EXIT_ON_EMPTY : EVLOOP_NONBLOCK));
}

void Loop::run() {
  stopped_ = false;
  while (!stopped_) round();
}

void Loop::run_outer(Task<>& outer) {
  stopped_ = false;
  // Tasks begin when awaited; a set of one begins this one.
  struct Starter {
    struct promise_type {
      Starter get_return_object() {
        return {std::coroutine_handle<promise_type>::from_promise(*this)};
      }
      std::suspend_never initial_suspend() const noexcept { return {}; }
      std::suspend_always final_suspend() const noexcept { return {}; }
      void unhandled_exception() const noexcept { std::abort(); }
      void return_void() const noexcept {}
    };
    static Starter begin(Task<>* task) { co_await *task; }
    std::coroutine_handle<promise_type> handle;
  };
  Starter starter = Starter::begin(&outer);
  while (!stopped_) round();
  starter.handle.destroy();
}

void Loop::run(Task<void> task) {
  struct Stop {
    static Task<> after(Loop* loop, Task<void>* inner) {
      co_await *inner;
      loop->stop();
    }
  };
  Task<> outer = Stop::after(this, &task);
  run_outer(outer);
}

Timer::Timer(Fire fire, void* argument) : fire_(fire), argument_(argument) {
  event_ = evtimer_new(loop().base(), on_event, this);
  CHECK(event_ != nullptr);
}

Timer::~Timer() { event_free(event_); }

void Timer::set(Instant when) {
  timeval span = as_timeval(when - Clock::now());
  evtimer_add(event_, &span);
}

void Timer::cancel() { evtimer_del(event_); }

void Timer::on_event(int, short, void* self) {
  auto* timer = static_cast<Timer*>(self);
  timer->fire_(timer->argument_);  // may destroy the timer
}

void sleep::await_suspend(std::coroutine_handle<> caller) {
  caller_ = caller;
  timer_ = std::make_unique<Timer>(
      [](void* self) { static_cast<sleep*>(self)->caller_.resume(); }, this);
  timer_->set(until_);
}

}  // namespace mail::net
