#include "master/roster.h"

#include <cstring>

#include "common/base/check.h"

namespace mail::master {

StatusMessage StatusMessage::decode(std::string_view bytes) {
  CHECK(bytes.size() == kSize);
  int fields[3];
  memcpy(fields, bytes.data(), kSize);
  return {fields[0], static_cast<unsigned>(fields[1]), fields[2] != 0};
}

bool Roster::wants_child(Instant now) const {
  if (idle_ > 0 || throttled(now)) return false;
  return limit_ == 0 || children_.size() < static_cast<size_t>(limit_);
}

std::optional<Instant> Roster::throttled(Instant now) const {
  if (!throttled_until_ || now >= *throttled_until_) return std::nullopt;
  return throttled_until_;
}

void Roster::started(pid_t pid, unsigned generation, Instant now) {
  Child child;
  child.generation = generation;
  child.born = now;
  children_[pid] = child;
  ++idle_;
}

Roster::Known Roster::told(const StatusMessage& message) {
  auto at = children_.find(message.pid);
  if (at == children_.end()) return Known::No;
  Child& child = at->second;
  if (child.generation != message.generation) return Known::Yes;
  if (message.available) ++child.uses;
  if (child.idle == message.available) return Known::Yes;
  child.idle = message.available;
  if (child.idle) {
    ++idle_;
  } else {
    --idle_;
  }
  return Known::Yes;
}

Roster::Exit Roster::exited(pid_t pid, bool failed, Instant now) {
  auto at = children_.find(pid);
  if (at == children_.end()) return Exit::Unknown;
  Child child = at->second;
  children_.erase(at);
  if (child.idle) --idle_;
  if (!failed || child.uses > 0 || now - child.born > throttle_) {
    return Exit::Fine;
  }
  throttle(now);
  return Exit::BadStart;
}

bool Roster::take_limit_warning(Instant now) {
  if (!warns_ || limit_ <= 1 || idle_ > 0) return false;
  if (children_.size() < static_cast<size_t>(limit_)) return false;
  bool first = !stressed(now);
  if (first) stressed_until_ = now + kStressTime;
  return first;
}

std::vector<pid_t> Roster::pids() const {
  std::vector<pid_t> out;
  for (const auto& [pid, child] : children_) out.push_back(pid);
  return out;
}

}  // namespace mail::master
