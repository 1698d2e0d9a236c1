#pragma once

#include <coroutine>
#include <cstdlib>
#include <optional>
#include <utility>

namespace mail::net {

template <class T = void>
class Task;

namespace detail {

struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> finished) const noexcept {
    auto next = finished.promise().continuation;
    return next ? next : std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation;

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  // Our code does not throw; what does (out of memory) ends the process.
  void unhandled_exception() const noexcept { std::abort(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& u) {
    value.emplace(std::forward<U>(u));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace detail

/// A coroutine that has not begun until it is awaited (or given to a TaskSet
/// or Loop::run). A Task owns its frame: destroying it cancels whatever it
/// awaits, and destroys what it holds, innermost first.
///
/// Laws: arguments by value unless the caller's frame outlives the callee;
/// no lambda coroutine with captures; `co_await` alone in its statement, and no
/// braced temporary `f({a, b})` among its arguments (g++ 12 destroys it twice:
/// name it first); every await on a peer has a deadline; a task never destroys
/// itself or a task that awaits it (stop the loop, or leave it to the TaskSet's
/// owner).
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using HandleType = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(HandleType handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    auto old = std::exchange(handle_, std::exchange(other.handle_, {}));
    if (old) old.destroy();
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  explicit operator bool() const { return static_cast<bool>(handle_); }
  bool done() const { return handle_ && handle_.done(); }

  // The child runs inside the caller's stack until it first waits; one that
  // never waits costs no more than a call, and loops do not grow the stack.
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> caller) {
    handle_.resume();
    if (handle_.done()) return false;
    handle_.promise().continuation = caller;
    return true;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  HandleType handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace mail::net
