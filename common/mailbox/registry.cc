#include "common/mailbox/registry.h"

#include <unistd.h>

#include <unordered_map>

#include "common/mailbox/index_file.h"
#include "common/mailbox/state.h"
#include "common/mailbox/watcher.h"
#include "common/net/descriptor.h"
#include "common/net/loop.h"

namespace mail::mailbox {

namespace {
// mailbox_idle_check_interval, for a system that gives no inotify instance.
constexpr std::chrono::seconds kPollInterval{30};
}  // namespace

struct Registry::Open {
  std::unordered_map<std::string, std::weak_ptr<State>> states;
  std::vector<std::weak_ptr<State>> to_tell;
  bool serving = false, posted = false;

  /// Tells sessions of what was noted; for all states if none were.
  void tell(bool all) {
    auto now = std::move(to_tell);
    to_tell.clear();
    posted = false;
    if (all) {
      for (auto& [_, state] : states) now.push_back(state);
    }
    for (auto& one : now) {
      if (auto state = one.lock()) state->tell_sessions();
    }
  }
};

Registry::Registry()
    : watcher_(std::make_unique<Watcher>()),
      indexes_(std::make_unique<IndexFiles>()),
      open_(std::make_shared<Open>()) {}

Registry::~Registry() = default;

int Registry::watch_fd() const { return watcher_->fd(); }

void Registry::dispatch() {
  watcher_->read();
  open_->tell(/*all=*/watcher_->fd() < 0);
}

net::Task<> Registry::serve() {
  struct Serving {
    std::shared_ptr<Open> open;
    ~Serving() { open->serving = false; }
  } serving{open_};
  open_->serving = true;
  int fd = watcher_->fd();
  if (fd < 0) {
    while (true) {
      co_await net::sleep(kPollInterval);
      dispatch();
    }
  }
  net::Descriptor news(UniqueFd(dup(fd)));
  while (true) {
    auto ready = co_await news.readable(net::Deadline::never());
    if (!ready) co_return;
    dispatch();
  }
}

void Registry::changed(std::weak_ptr<State> state) {
  open_->to_tell.push_back(std::move(state));
  if (!open_->serving || open_->posted) return;
  open_->posted = true;
  // The registry may be gone when the loop comes to it.
  std::weak_ptr<Open> open = open_;
  net::loop().post([open] {
    if (auto alive = open.lock()) alive->tell(/*all=*/false);
  });
}

std::shared_ptr<State> Registry::state(
    const std::string& path,
    const std::function<std::shared_ptr<State>()>& make) {
  auto& states = open_->states;
  auto it = states.find(path);
  if (it != states.end()) {
    if (auto state = it->second.lock()) return state;
    states.erase(it);
  }
  auto state = make();
  if (!state) return state;
  std::erase_if(states, [](auto& entry) { return entry.second.expired(); });
  states.emplace(path, state);
  return state;
}

}  // namespace mail::mailbox
