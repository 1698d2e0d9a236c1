#include "common/tls/directory_watch.h"

#include <limits.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstdlib>

namespace mail::tls {

void DirectoryWatch::add(const std::string& path) {
  if (!fd_) fd_.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd_) return;
  add_name(path);
  char target[PATH_MAX];
  if (realpath(path.c_str(), target) && path != target) add_name(target);
}

void DirectoryWatch::add_name(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return;
  std::string directory = path.substr(0, slash + 1);
  int watch = inotify_add_watch(
      fd_.get(), directory.c_str(),
      IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR);
  if (watch >= 0) names_.emplace(watch, path.substr(slash + 1));
}

bool DirectoryWatch::take_events() {
  if (!fd_) return false;
  bool any = false;
  alignas(inotify_event) char buffer[4096];
  ssize_t n;
  while ((n = read(fd_.get(), buffer, sizeof(buffer))) > 0) {
    for (ssize_t at = 0; at < n;) {
      auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if (event->mask & IN_Q_OVERFLOW) any = true;
      auto [begin, end] = names_.equal_range(event->wd);
      for (auto it = begin; it != end; ++it) {
        if (event->len > 0 && it->second == event->name) any = true;
      }
    }
  }
  return any;
}

}  // namespace mail::tls
