#include "authd/cache.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/crypto/secret.h"

namespace mail::authd {

namespace {

constexpr size_t kOverhead = 64;

size_t size_of(const ipc::TabFields& fields) {
  size_t out = 0;
  for (const auto& field : fields.all()) {
    out += field.name.size() + (field.value ? field.value->size() : 0) + 2;
  }
  return out;
}

/// Each %variable in `templates`, once: "%u", "%{session}".
std::vector<std::string> variables_in(std::string_view templates) {
  std::vector<std::string> out;
  for (size_t i = templates.find('%'); i != std::string_view::npos;
       i = templates.find('%', i)) {
    size_t end = i + 1;
    if (end < templates.size() && templates[end] == '{') {
      int depth = 0;
      for (; end < templates.size(); ++end) {
        if (templates[end] == '{') ++depth;
        if (templates[end] == '}' && --depth == 0) break;
      }
    } else {
      // Offset, width and modifiers stand before the letter.
      constexpr std::string_view kBefore = "-.0123456789LUEXRNHMDT";
      while (end < templates.size() &&
             kBefore.find(templates[end]) != std::string_view::npos) {
        ++end;
      }
    }
    std::string one(templates.substr(i, end + 1 - i));
    i = std::min(end + 1, templates.size());
    // The password is what the entry is asked about, never part of its key.
    if (one == "%%" || one.ends_with('w') || one == "%{password}") continue;
    if (std::find(out.begin(), out.end(), one) == out.end()) {
      out.push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace

std::string Cache::make_key(char kind, unsigned id, std::string_view templates,
                            const Request& request) {
  std::string out = fmt::format("{}{}", kind, id);
  if (!request.master_user.empty()) out += "+" + request.master_user;
  for (const auto& variable : variables_in(templates)) {
    out += '\t' + ipc::tab_escape(expand(variable, request));
  }
  return out;
}

Cache::Entry* Cache::find(const std::string& key, Instant now, bool* expired) {
  auto at = entries_.find(key);
  if (at == entries_.end()) {
    ++misses_;
    return nullptr;
  }
  Entry& entry = at->second.entry;
  *expired = now - entry.created >= (entry.negative ? negative_ttl_ : ttl_);
  if (*expired)
    ++misses_;
  else
    ++hits_;
  order_.splice(order_.begin(), order_, at->second.place);
  return &entry;
}

void Cache::put(const std::string& key, Entry entry, Instant now) {
  remove(key);
  if (entry.negative && negative_ttl_ == Duration::zero()) return;
  entry.created = now;
  entry.size = kOverhead + key.size() * 2 + entry.name.size() +
               size_of(entry.pass.fields) + size_of(entry.user.fields) +
               (entry.pass.stored ? entry.pass.stored->size() : 0);
  if (entry.size > limit_) return;
  (entry.negative ? negative_ : positive_)++;
  (entry.negative ? negative_size_ : positive_size_) += entry.size;
  used_ += entry.size;
  order_.push_front(key);
  entries_[key] = Node{std::move(entry), order_.begin()};
  while (used_ > limit_) drop(entries_.find(order_.back()));
}

void Cache::drop(std::unordered_map<std::string, Node>::iterator at) {
  used_ -= at->second.entry.size;
  if (at->second.entry.pass.stored) crypto::wipe(*at->second.entry.pass.stored);
  order_.erase(at->second.place);
  entries_.erase(at);
}

void Cache::remove(const std::string& key) {
  auto at = entries_.find(key);
  if (at != entries_.end()) drop(at);
}

unsigned Cache::flush(const std::vector<std::string>& users) {
  unsigned out = 0;
  for (auto at = entries_.begin(); at != entries_.end();) {
    auto next = std::next(at);
    bool wanted =
        users.empty() || std::find(users.begin(), users.end(),
                                   at->second.entry.name) != users.end();
    if (wanted) {
      drop(at);
      ++out;
    }
    at = next;
  }
  return out;
}

std::vector<std::string> Cache::take_statistics() {
  unsigned all = hits_ + misses_;
  std::vector<std::string> out = {
      fmt::format("Authentication cache hits {}/{} ({}%)", hits_, all,
                  all == 0 ? 100 : hits_ * 100ul / all),
      fmt::format("Authentication cache inserts: positive: {} entries {} "
                  "bytes, negative: {} entries {} bytes",
                  positive_, positive_size_, negative_, negative_size_),
      fmt::format("Authentication cache current size: {} bytes used of {} "
                  "bytes ({}%)",
                  used_, limit_, limit_ == 0 ? 0 : used_ * 100 / limit_)};
  hits_ = misses_ = positive_ = negative_ = 0;
  positive_size_ = negative_size_ = 0;
  return out;
}

}  // namespace mail::authd
