#include <fmt/format.h>
#include <sys/stat.h>

#include <ctime>

#include "common/log/log.h"
#include "queue/qmgr/manager.h"

namespace mail::qmgr {

void Manager::recover() {
  auto scanner = queue::Scanner::open(layout_.directory(queue::kActive));
  if (!scanner) {
    log::warning(scanner.error().what);
    return;
  }
  std::vector<std::string> names;
  while (true) {
    auto entry = scanner->next();
    if (!entry || !*entry) break;
    names.emplace_back((*entry)->name);
  }
  for (const auto& name : names) {
    if (!queue::QueueId::valid(name)) continue;
    (void)queue::set_mtime(layout_.path(queue::kActive, name), time(nullptr));
    auto moved = queue::rename(layout_, name, queue::kActive, queue::kIncoming);
    if (!moved) log::warning(moved.error().what);
  }
}

/// Waits while the active queue is full.
net::Task<> Manager::room() {
  while (active_.size() >= active_limit_ || recipients_ >= recipient_limit_) {
    co_await room_.wait();
  }
}

/// One file of incoming or deferred; true if it was taken.
net::Task<bool> Manager::take(const char* queue, std::string name, bool all) {
  if (!queue::QueueId::valid(name) || active_.contains(name)) co_return false;
  struct stat info;
  std::string path = layout_.path(queue, name);
  if (lstat(path.c_str(), &info) != 0) co_return false;
  long now = time(nullptr);
  auto check = queue::check_file(info, now);
  if (check == queue::FileCheck::Links) {
    log::warning(fmt::format("{}: uid {}: file has {} links", path, info.st_uid,
                             info.st_nlink));
  }
  if (check != queue::FileCheck::Ready) co_return false;
  if (!all && info.st_mtime > now + 1) co_return false;
  auto moved = queue::rename(layout_, name, queue, queue::kActive);
  if (!moved) {
    log::warning(moved.error().what);
    co_return false;
  }
  daemon::give_flow_tokens(1);
  bool from_deferred = std::string_view(queue) == queue::kDeferred;
  tasks_.start(activate(std::move(name), from_deferred, info.st_mode));
  co_return true;
}

net::Task<> Manager::scan_incoming() {
  auto scanner = queue::Scanner::open(layout_.directory(queue::kIncoming));
  if (!scanner) {
    log::warning(scanner.error().what);
    co_return;
  }
  size_t seen = 0;
  while (true) {
    co_await room();
    auto entry = scanner->next();
    if (!entry || !*entry) co_return;
    auto taken =
        co_await take(queue::kIncoming, std::string((*entry)->name), scan_all_);
    (void)taken;
    // A long queue must not keep answers waiting.
    if (++seen % 64 == 0) co_await net::yield();
  }
}

net::Task<> Manager::scan_deferred() {
  auto scanner = queue::Scanner::open(layout_.directory(queue::kDeferred));
  if (!scanner) {
    log::warning(scanner.error().what);
    co_return;
  }
  bool all = scan_all_;
  size_t seen = 0;
  while (true) {
    co_await room();
    auto entry = scanner->next();
    if (!entry || !*entry) co_return;
    auto taken =
        co_await take(queue::kDeferred, std::string((*entry)->name), all);
    (void)taken;
    if (++seen % 64 == 0) {
      co_await net::yield();
      // New mail goes in between, as it comes.
      if (scan_incoming_) {
        scan_incoming_ = false;
        co_await scan_incoming();
      }
    }
  }
}

}  // namespace mail::qmgr
