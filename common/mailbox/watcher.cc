#include "common/mailbox/watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace mail::mailbox {

namespace {

constexpr uint32_t kSelf = IN_DELETE_SELF | IN_MOVE_SELF;
constexpr size_t kEvents = 64 << 10;

Watcher::What what_of(uint32_t mask) {
  if (mask & (IN_CREATE | IN_MOVED_TO)) return Watcher::What::Appeared;
  if (mask & IN_MOVED_FROM) return Watcher::What::MovedAway;
  if (mask & IN_DELETE) return Watcher::What::Disappeared;
  if (mask & (kSelf | IN_IGNORED | IN_UNMOUNT)) return Watcher::What::Ended;
  return Watcher::What::Changed;
}

}  // namespace

Watcher::Watcher() : fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

bool Watcher::add(const std::string& path, uint32_t mask, Sink* sink, int tag) {
  if (!fd_) return false;
  // Two paths to one inode share a descriptor, and each adds to its mask.
  int descriptor =
      inotify_add_watch(fd_.get(), path.c_str(), mask | kSelf | IN_MASK_ADD);
  if (descriptor < 0) return false;
  targets_[descriptor].push_back({sink, tag});
  return true;
}

bool Watcher::watch_directory(const std::string& path, Sink* sink, int tag) {
  return add(path,
             IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR,
             sink, tag);
}

bool Watcher::watch_file(const std::string& path, Sink* sink, int tag) {
  return add(path, IN_MODIFY | IN_ATTRIB, sink, tag);
}

void Watcher::forget(Sink* sink) {
  for (auto it = targets_.begin(); it != targets_.end();) {
    std::erase_if(it->second, [&](Target& t) { return t.sink == sink; });
    if (it->second.empty()) {
      inotify_rm_watch(fd_.get(), it->first);
      it = targets_.erase(it);
    } else {
      ++it;
    }
  }
}

void Watcher::tell(int descriptor, uint32_t mask, std::string_view name) {
  if (mask & IN_Q_OVERFLOW) {
    for (auto& [_, targets] : targets_) {
      for (Target& t : targets) t.sink->on_watch(t.tag, What::Lost, {});
    }
    return;
  }
  auto it = targets_.find(descriptor);
  if (it == targets_.end()) return;
  for (Target& t : it->second) t.sink->on_watch(t.tag, what_of(mask), name);
  if (mask & IN_IGNORED) targets_.erase(it);
}

void Watcher::read() {
  if (!fd_) return;
  alignas(inotify_event) char buffer[kEvents];
  while (true) {
    ssize_t n = ::read(fd_.get(), buffer, sizeof buffer);
    if (n <= 0) return;
    for (char* p = buffer; p < buffer + n;) {
      auto* event = reinterpret_cast<inotify_event*>(p);
      std::string_view name(event->name, event->len ? strlen(event->name) : 0);
      tell(event->wd, event->mask, name);
      p += sizeof(inotify_event) + event->len;
    }
    // A buffer that is far from full was the last one.
    if (static_cast<size_t>(n) < kEvents / 2) return;
  }
}

}  // namespace mail::mailbox
