#include "common/dns/cache.h"

#include <algorithm>

namespace mail::dns {

namespace {
constexpr uint32_t kMaxPositive = 3600, kMaxNegative = 60, kFailure = 1;

uint32_t seconds_to_keep(const Answer& answer) {
  switch (answer.status) {
    case Status::Found:
      return std::min(answer.ttl, kMaxPositive);
    case Status::NotFound:
    case Status::NoData:
    case Status::NullMx:
      return std::min(answer.ttl, kMaxNegative);
    default:
      return kFailure;
  }
}
}  // namespace

std::optional<Answer> Cache::find(const std::string& key, Instant now) {
  auto found = index_.find(key);
  if (found == index_.end()) return std::nullopt;
  if (found->second->until <= now) {
    entries_.erase(found->second);
    index_.erase(found);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->answer;
}

void Cache::keep(const std::string& key, const Answer& answer, Instant now) {
  auto found = index_.find(key);
  if (found != index_.end()) {
    entries_.erase(found->second);
    index_.erase(found);
  }
  uint32_t seconds = seconds_to_keep(answer);
  if (seconds == 0 || limit_ == 0) return;
  if (entries_.size() >= limit_) {
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({key, answer, now + std::chrono::seconds(seconds)});
  index_[key] = entries_.begin();
}

void Cache::clear() {
  index_.clear();
  entries_.clear();
}

}  // namespace mail::dns
