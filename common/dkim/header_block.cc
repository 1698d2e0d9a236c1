#include "common/dkim/header_block.h"

#include "common/base/ascii.h"

namespace mail::dkim {

void HeaderBlock::add(std::string_view name, std::string_view value) {
  Field field;
  field.name = name;
  field.value.reserve(value.size() + 8);
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\n' && (i == 0 || value[i - 1] != '\r')) {
      field.value += '\r';
    }
    field.value += value[i];
  }
  by_name_[lower(trim_right(name))].push_back(fields_.size());
  fields_.push_back(std::move(field));
}

void HeaderBlock::clear() {
  fields_.clear();
  by_name_.clear();
}

const std::vector<size_t>& HeaderBlock::find(std::string_view name) const {
  static const std::vector<size_t> none;
  auto at = by_name_.find(lower(name));
  return at == by_name_.end() ? none : at->second;
}

const Field* HeaderBlock::first(std::string_view name) const {
  const auto& all = find(name);
  return all.empty() ? nullptr : &fields_[all.front()];
}

std::vector<size_t> HeaderBlock::select(
    const std::vector<std::string>& names) const {
  std::vector<size_t> out;
  std::unordered_map<std::string, size_t> taken;
  for (const auto& name : names) {
    std::string key = lower(name);
    auto at = by_name_.find(key);
    if (at == by_name_.end()) continue;
    size_t& count = taken[key];
    if (count < at->second.size()) {
      ++count;
      out.push_back(at->second[at->second.size() - count]);
    }
  }
  return out;
}

}  // namespace mail::dkim
