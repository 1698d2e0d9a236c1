#include "common/mailbox/cache_block.h"

#include <cstring>

#include "common/base/hash.h"
#include "common/base/varint.h"

namespace mail::mailbox {

namespace {

uint32_t check_of(std::string_view entries) {
  return static_cast<uint32_t>(hash64(entries));
}

}  // namespace

CacheBlock::CacheBlock(std::string_view bytes) {
  uint32_t check = 0;
  if (bytes.size() < sizeof check) return;
  memcpy(&check, bytes.data(), sizeof check);
  bytes.remove_prefix(sizeof check);
  if (check != check_of(bytes)) return;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    auto slot = static_cast<unsigned char>(rest[0]);
    rest.remove_prefix(1);
    auto size = take_varint(rest);
    if (slot >= kMessages || !size || *size > rest.size()) {
      places_ = {};
      return;
    }
    places_[slot] = {static_cast<uint32_t>(rest.data() - bytes.data()),
                     static_cast<uint32_t>(*size), true};
    rest.remove_prefix(*size);
  }
  entries_ = bytes;
}

std::optional<std::string_view> CacheBlock::get(uint32_t uid) const {
  const Place& place = places_[uid % kMessages];
  if (!place.known) return std::nullopt;
  return std::string_view(entries_).substr(place.at, place.size);
}

void CacheBlock::put(uint32_t uid, std::string_view value) {
  Place& place = places_[uid % kMessages];
  // The same again: nothing that stands elsewhere in the entries moves.
  if (place.known && get(uid) == value) return;
  if (entries_.size() + value.size() > UINT32_MAX / 2) return;
  entries_ += static_cast<char>(uid % kMessages);
  put_varint(entries_, value.size());
  place = {static_cast<uint32_t>(entries_.size()),
           static_cast<uint32_t>(value.size()), true};
  entries_ += value;
}

void CacheBlock::take_missing(const CacheBlock& other, uint32_t number,
                              const std::function<bool(uint32_t uid)>& wanted) {
  for (uint32_t i = 0; i < kMessages; ++i) {
    uint32_t uid = number * kMessages + i;
    if (places_[i].known) continue;
    auto value = other.get(uid);
    if (value && wanted(uid)) put(uid, *value);
  }
}

std::string CacheBlock::bytes() const {
  uint32_t check = check_of(entries_);
  std::string out(reinterpret_cast<const char*>(&check), sizeof check);
  out += entries_;
  return out;
}

}  // namespace mail::mailbox
