#include "common/config/dovecot/layers.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/config/dovecot/description.h"

namespace mail::config::dovecot {

const Entry* Layer::find(const std::string& key) const {
  auto found = index.find(key);
  return found == index.end() ? nullptr : &entries[found->second];
}

Entry& Layer::put(const std::string& key) {
  auto [place, made] = index.try_emplace(key, entries.size());
  if (made) {
    entries.emplace_back();
    entries.back().key = key;
  }
  return entries[place->second];
}

std::vector<const Layer*> Configuration::Impl::ordered() const {
  std::vector<const Layer*> out;
  for (const auto& layer : layers) out.push_back(&layer);
  std::stable_sort(out.begin() + 1, out.end(),
                   [](const Layer* a, const Layer* b) {
                     return Filter::less_specific(a->filter, b->filter);
                   });
  return out;
}

std::string with_name(std::string_view list, std::string_view name) {
  for (auto known : split(list, " ")) {
    if (known == name) return std::string(list);
  }
  return list.empty() ? std::string(name) : fmt::format("{} {}", list, name);
}

const Entry* Merged::find(const std::string& key) const {
  auto found = index.find(key);
  return found == index.end() ? nullptr : &entries[found->second];
}

namespace {

class Merger {
 public:
  void add(const Layer& layer, size_t number) {
    for (const auto& entry : layer.entries) {
      std::string_view key = entry.key;
      bool unnamed = key == "passdb" || key == "userdb" ||
                     key.starts_with("passdb/") || key.starts_with("userdb/");
      if (unnamed) {
        add_unnamed(entry, number);
      } else {
        put(entry.key, entry);
      }
    }
  }

  Merged take() { return std::move(merged_); }

 private:
  Entry& place(const std::string& key) {
    auto [at, made] = merged_.index.try_emplace(key, merged_.entries.size());
    if (made) merged_.entries.emplace_back();
    return merged_.entries[at->second];
  }

  void put(const std::string& key, const Entry& entry) {
    Entry& target = place(key);
    auto found = find_place(key);
    bool list = found && found->section->settings[found->id].type == Type::List;
    std::string text = entry.text;
    if (list && !target.key.empty()) {
      text = target.text;
      for (auto name : split(entry.text, " ")) text = with_name(text, name);
    }
    target = entry;
    target.key = key;
    target.text = std::move(text);
  }

  /// Each layer's blocks get names of their own; the newest come first.
  void add_unnamed(const Entry& entry, size_t layer) {
    size_t slash = entry.key.find('/');
    if (slash == std::string::npos) {
      std::string names;
      for (auto id : split(entry.text, " ")) {
        names = with_name(names, fmt::format("{}.{}", layer, id));
      }
      Entry& target = place(entry.key);
      if (!target.key.empty()) names += " " + target.text;
      target = entry;
      target.text = std::move(names);
      return;
    }
    std::string key = fmt::format("{}/{}.{}", entry.key.substr(0, slash), layer,
                                  entry.key.substr(slash + 1));
    put(key, entry);
  }

  Merged merged_;
};

/// "passdb" = "1.0 0.0 0.pam" becomes "0 1 2", its members too.
void number_anew(Merged& merged, const std::string& list) {
  auto found = merged.index.find(list);
  if (found == merged.index.end()) return;
  std::unordered_map<std::string, std::string> numbers;
  std::string names;
  size_t next = 0;
  for (auto id : split(merged.entries[found->second].text, " ")) {
    auto number = fmt::format("{}", next++);
    names = with_name(names, number);
    numbers.emplace(id, number);
  }
  merged.entries[found->second].text = std::move(names);
  for (auto& entry : merged.entries) {
    if (!entry.key.starts_with(list + "/")) continue;
    std::string_view rest = std::string_view(entry.key).substr(list.size() + 1);
    size_t slash = rest.find('/');
    auto number = numbers.find(std::string(rest.substr(0, slash)));
    if (number == numbers.end()) continue;
    std::string key =
        fmt::format("{}/{}{}", list, number->second, rest.substr(slash));
    size_t at = merged.index.extract(entry.key).mapped();
    merged.index.emplace(key, at);
    entry.key = std::move(key);
  }
}

}  // namespace

Merged merge(const std::vector<const Layer*>& layers) {
  Merger merger;
  for (size_t i = 0; i < layers.size(); ++i) merger.add(*layers[i], i);
  Merged merged = merger.take();
  number_anew(merged, "passdb");
  number_anew(merged, "userdb");
  return merged;
}

}  // namespace mail::config::dovecot
