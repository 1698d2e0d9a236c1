#include "tools/postsuper/actions.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "common/queue/scanner.h"

namespace mail::postsuper {

using queue::kActive;
using queue::kBounce;
using queue::kDefer;
using queue::kDeferred;
using queue::kFlush;
using queue::kHold;
using queue::kIncoming;
using queue::kMaildrop;

const std::vector<std::string>& default_queues() {
  static const std::vector<std::string> queues = {
      kDefer, kBounce, kMaildrop, kIncoming, kActive, kDeferred, kHold, kFlush};
  return queues;
}

bool is_message_queue(std::string_view queue) {
  return queue != kDefer && queue != kBounce && queue != kFlush;
}

namespace {

bool is_ready(const struct stat& st) {
  return S_ISREG(st.st_mode) && (st.st_mode & queue::kReady) == queue::kReady;
}

/// unlink(2); false: was gone.
Result<bool> unlink_file(const std::string& path) {
  if (unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  return fail_errno(fmt::format("remove file {}", path), errno);
}

}  // namespace

bool Actions::find(std::string_view queue, std::string_view id,
                   Place& place) const {
  place.queue = queue;
  place.path = layout_.path(queue, id);
  return lstat(place.path.c_str(), &place.st) == 0;
}

Result<> Actions::one(Action action, std::string_view id) {
  if (action == Action::Delete) return remove_one(id);
  Place place;
  for (const auto& queue : queues_) {
    if (!is_message_queue(queue) || !find(queue, id, place)) continue;
    Counts before = counts_;
    TRY(apply(action, id, place));
    const std::array<std::pair<bool, std::string_view>, 4> done = {{
        {counts_.requeued > before.requeued, "requeued"},
        {counts_.expired > before.expired, "expired"},
        {counts_.held > before.held, "placed on hold"},
        {counts_.released > before.released, "released from hold"},
    }};
    bool any = false;
    for (auto [happened, text] : done) {
      if (!happened) continue;
      voice_.info(fmt::format("{}: {}", id, text));
      any = true;
    }
    if (any) return {};
  }
  return {};
}

Result<> Actions::all(Action action) {
  if (action == Action::Delete) return remove_all();
  for (const auto& queue : queues_) {
    if (!is_message_queue(queue)) continue;
    if (access(layout_.directory(queue).c_str(), F_OK) != 0) continue;
    auto scanner = TRY(queue::Scanner::open(layout_.directory(queue)));
    while (auto entry = TRY(scanner.next())) {
      if (!queue::QueueId::valid(entry->name)) continue;
      Place place{queue, entry->path(), {}};
      // Messages move while we look.
      if (lstat(place.path.c_str(), &place.st) != 0) continue;
      TRY(apply(action, std::string(entry->name), place));
    }
  }
  return {};
}

/// false: the action does not apply to a message like this.
Result<bool> Actions::apply(Action action, std::string_view id,
                            const Place& place) {
  switch (action) {
    case Action::Requeue:
      if (!S_ISREG(place.st.st_mode) || place.queue == kMaildrop) return false;
      return move(id, place, kMaildrop, counts_.requeued);
    case Action::Hold:
      if (!is_ready(place.st) || place.queue == kHold) return false;
      return move(id, place, kHold, counts_.held);
    case Action::Release:
      if (!is_ready(place.st) || place.queue != kHold) return false;
      return move(id, place, kDeferred, counts_.released);
    case Action::Expire:
      return expire(place);
    case Action::ExpireRelease: {
      bool expired = TRY(expire(place));
      bool released = TRY(apply(Action::Release, id, place));
      return expired || released;
    }
    case Action::Delete:
      break;
  }
  return false;
}

Result<bool> Actions::expire(const Place& place) {
  if (!is_ready(place.st) || (place.st.st_mode & queue::kExpire) != 0) {
    return false;
  }
  mode_t mode = (place.st.st_mode & 07777) | queue::kExpire;
  if (chmod(place.path.c_str(), mode) != 0) {
    if (errno == ENOENT) return false;
    return fail_errno(fmt::format("chmod {}", place.path), errno);
  }
  ++counts_.expired;
  return true;
}

Result<bool> Actions::move(std::string_view id, const Place& place,
                           std::string_view to, long& count) {
  auto moved = queue::rename_path(place.path, layout_.path(to, id));
  if (!moved && moved.error().sys == ENOENT) return false;
  TRY(moved);
  ++count;
  return true;
}

/// The logs go first: what is left after a crash must be a message.
Result<> Actions::remove_one(std::string_view id) {
  for (const auto& queue : queues_) {
    Place place;
    if (!is_message_queue(queue) || !find(queue, id, place)) continue;
    for (auto log : {kBounce, kDefer}) {
      TRY(unlink_file(layout_.path(log, id)));
    }
    if (!TRY(unlink_file(place.path))) continue;
    voice_.info(fmt::format("{}: removed", id));
    ++counts_.deleted;
    return {};
  }
  return {};
}

/// All that is in the queues, logs too; only complete messages count.
Result<> Actions::remove_all() {
  for (const auto& queue : queues_) {
    if (access(layout_.directory(queue).c_str(), F_OK) != 0) continue;
    auto scanner = TRY(queue::Scanner::open(layout_.directory(queue)));
    while (auto entry = TRY(scanner.next())) {
      std::string path = entry->path();
      struct stat st{};
      if (lstat(path.c_str(), &st) != 0 || S_ISDIR(st.st_mode)) continue;
      if (!TRY(unlink_file(path))) continue;
      if (is_message_queue(queue) && is_ready(st)) ++counts_.deleted;
    }
  }
  return {};
}

}  // namespace mail::postsuper
