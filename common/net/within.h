#pragma once

#include <cerrno>

#include "common/base/result.h"
#include "common/net/loop.h"
#include "common/net/task_set.h"

namespace mail::net {

/// The result of `task`, or, when the deadline passes first, sys == ETIMEDOUT;
/// the task is then cancelled. For steps that are made of several waits.
template <class T>
Task<Result<T>> within(Deadline deadline, Task<Result<T>> task) {
  struct Part {
    static Task<> work(Task<Result<T>>* inner, std::optional<Result<T>>* out,
                       Condition* changed) {
      *out = co_await *inner;
      changed->notify_all();
    }
    static Task<> clock(Deadline at, bool* passed, Condition* changed) {
      co_await sleep(at);
      *passed = true;
      changed->notify_all();
    }
  };
  std::optional<Result<T>> result;
  bool passed = false;
  Condition changed;
  TaskSet parts;
  parts.start(Part::work(&task, &result, &changed));
  if (!result && !deadline.is_never()) {
    parts.start(Part::clock(deadline, &passed, &changed));
  }
  while (!result && !passed) co_await changed.wait();
  if (result) co_return std::move(*result);
  co_return fail_errno("", ETIMEDOUT);
}

}  // namespace mail::net
