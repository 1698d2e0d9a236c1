#pragma once

#include <map>
#include <optional>
#include <utility>

namespace mail::auth {

/// Questions by number that wait for their answers.
template <class Answer>
class Pending {
 public:
  unsigned next_id() { return next_id_++; }
  void ask(unsigned id) { waiting_[id] = std::nullopt; }
  bool waits(unsigned id) const { return waiting_.contains(id); }
  void forget(unsigned id) { waiting_.erase(id); }
  void clear() { waiting_.clear(); }
  /// Of a question that was given up: dropped.
  void answer(unsigned id, Answer answer) {
    auto at = waiting_.find(id);
    if (at != waiting_.end()) at->second = std::move(answer);
  }
  std::optional<Answer> take(unsigned id) {
    auto at = waiting_.find(id);
    if (at == waiting_.end() || !at->second) return std::nullopt;
    auto out = std::move(at->second);
    waiting_.erase(at);
    return out;
  }

 private:
  std::map<unsigned, std::optional<Answer>> waiting_;
  unsigned next_id_ = 1;
};

}  // namespace mail::auth
