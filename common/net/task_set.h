#pragma once

#include <cstddef>

#include "common/net/condition.h"
#include "common/net/task.h"

namespace mail::net {

/// Owns tasks that nobody awaits (one for each client, say). A task that ends
/// is removed and freed at once; destroying the set cancels the rest. Not to
/// be destroyed or cleared from inside one of its own tasks.
class TaskSet {
 public:
  TaskSet() = default;
  TaskSet(const TaskSet&) = delete;
  TaskSet& operator=(const TaskSet&) = delete;
  ~TaskSet() { clear(); }

  /// Runs `task` until it first waits, and keeps it until it ends.
  void start(Task<> task);
  /// Cancels all.
  void clear();

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// Waits until no task is left.
  Task<> drained();

 private:
  struct Node {
    Node* next = this;
    Node* previous = this;
  };
  struct Wrapper;
  static Wrapper wrap(TaskSet* set, Task<> task);

  Node list_;
  size_t size_ = 0;
  Condition changed_;
};

}  // namespace mail::net
