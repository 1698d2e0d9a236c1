#include "common/maps/entry_set.h"

#include <endian.h>
#include <string.h>

#include <algorithm>
#include <functional>

namespace mail::maps {

EntrySet::Entry EntrySet::at(size_t index) const {
  const Place& place = entries_[index];
  std::string_view all = bytes_;
  return {all.substr(place.offset, place.key_size),
          all.substr(place.value_offset, place.value_size)};
}

void EntrySet::expect(size_t bytes) {
  bytes_.reserve(bytes + bytes / 16);
  entries_.reserve(bytes / 48);
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
  // The first sixteen bytes as numbers: most comparisons need no more.
  struct Item {
    uint64_t high = 0, low = 0;
    uint32_t index = 0;
  };
  std::vector<Item> items(entries_.size());
  for (uint32_t i = 0; i < items.size(); ++i) {
    std::string_view key = at(i).key;
    char start[16] = {};
    memcpy(start, key.data(), std::min(key.size(), sizeof start));
    memcpy(&items[i].high, start, 8);
    memcpy(&items[i].low, start + 8, 8);
    items[i].high = be64toh(items[i].high);
    items[i].low = be64toh(items[i].low);
    items[i].index = i;
  }
  std::sort(items.begin(), items.end(), [this](const Item& a, const Item& b) {
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    return at(a.index).key < at(b.index).key;
  });
  std::vector<uint32_t> order;
  order.reserve(items.size());
  for (const Item& item : items) order.push_back(item.index);
  return order;
}

}  // namespace mail::maps
