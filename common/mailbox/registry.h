#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/net/task.h"

namespace mail::mailbox {

class State;
class IndexFiles;
class Watcher;

/// What all users of one process share: the mailboxes that are open, each
/// once however many sessions have it; the index files; one inotify instance.
/// One a process, made before the first Storage and destroyed after the last.
class Registry {
 public:
  Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  /// For a process with a loop: tells sessions of what others have done to
  /// their mailboxes, as the kernel reports it. Runs until destroyed. Without
  /// it everything works, but Mailbox::on_change is not called.
  net::Task<> serve();
  /// The inotify descriptor, for a loop of another kind; -1: there is none
  /// (fs.inotify.max_user_instances), then dispatch() must be called at times.
  int watch_fd() const;
  /// Reads what has happened and calls on_change of those concerned.
  void dispatch();

  Watcher& watcher() { return *watcher_; }
  IndexFiles& indexes() { return *indexes_; }
  /// The state of the mailbox at `path`, made by `make` if it is not open.
  std::shared_ptr<State> state(
      const std::string& path,
      const std::function<std::shared_ptr<State>()>& make);
  /// Sessions of `state` have news: they are told from the loop.
  void changed(std::weak_ptr<State> state);

 private:
  struct Open;
  std::unique_ptr<Watcher> watcher_;
  std::unique_ptr<IndexFiles> indexes_;
  std::shared_ptr<Open> open_;
};

}  // namespace mail::mailbox
