#include "common/base/hash.h"

#include <cstring>

namespace mail {

namespace {

__extension__ typedef unsigned __int128 Wide;

// Odd, with bits spread evenly.
constexpr uint64_t kFirst = 0x9e3779b97f4a7c15, kSecond = 0xd6e8feb86659fd93;

/// Both halves of the product: each bit of it hangs on all of the factors'.
uint64_t mix(uint64_t a, uint64_t b) {
  Wide product = Wide{a} * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

uint64_t hash64(std::string_view bytes) {
  uint64_t out = mix(bytes.size() + kFirst, kSecond);
  while (!bytes.empty()) {
    uint64_t word = 0;
    size_t n = bytes.size() < sizeof word ? bytes.size() : sizeof word;
    memcpy(&word, bytes.data(), n);
    bytes.remove_prefix(n);
    out = mix(out ^ word, kFirst) + kSecond;
  }
  return mix(out, kSecond);
}

}  // namespace mail
