#include "common/maps/entry_set.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace mail::maps {

EntrySet::Entry EntrySet::at(size_t index) const {
  const Place& place = entries_[index];
  std::string_view all = bytes_;
  return {all.substr(place.offset, place.key_size),
          all.substr(place.value_offset, place.value_size)};
}

void EntrySet::grow() {
  size_t size = std::max<size_t>(1024, slots_.size() * 2);
  slots_.assign(size, 0);
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    size_t slot = entries_[i].hash & (size - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (size - 1);
    slots_[slot] = i + 1;
  }
}

bool EntrySet::add(std::string_view key, std::string_view value, bool replace) {
  if (entries_.size() * 2 >= slots_.size()) grow();
  auto hash = static_cast<uint32_t>(std::hash<std::string_view>()(key));
  size_t slot = hash & (slots_.size() - 1);
  for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    Place& place = entries_[slots_[slot] - 1];
    if (place.hash != hash || at(slots_[slot] - 1).key != key) continue;
    if (replace) {
      place.value_offset = bytes_.size();
      place.value_size = static_cast<uint32_t>(value.size());
      bytes_ += value;
    }
    return false;
  }
  Place place;
  place.hash = hash;
  place.offset = bytes_.size();
  place.value_offset = place.offset + key.size();
  place.key_size = static_cast<uint32_t>(key.size());
  place.value_size = static_cast<uint32_t>(value.size());
  bytes_ += key;
  bytes_ += value;
  entries_.push_back(place);
  slots_[slot] = static_cast<uint32_t>(entries_.size());
  return true;
}

std::vector<uint32_t> EntrySet::sorted() const {
  std::vector<uint32_t> order(entries_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [this](uint32_t a, uint32_t b) { return at(a).key < at(b).key; });
  return order;
}

}  // namespace mail::maps
