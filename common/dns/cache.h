#pragma once

#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/base/clock.h"
#include "common/dns/answer.h"

namespace mail::dns {

/// Answers for as long as they hold; the least used go when it is full.
class Cache {
 public:
  explicit Cache(size_t limit = 4096) : limit_(limit) {}

  /// TTLs are as they were when the answer came.
  std::optional<Answer> find(const std::string& key, Instant now);
  /// Keeps `answer` by its status: found for its TTL, at most an hour;
  /// negative for its TTL, at most 60 s; a failure for 1 s.
  void keep(const std::string& key, const Answer& answer, Instant now);
  void clear();
  size_t size() const { return index_.size(); }

 private:
  struct Entry {
    std::string key;
    Answer answer;
    Instant until;
  };
  size_t limit_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> index_;
};

}  // namespace mail::dns
