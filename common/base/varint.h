#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mail {

/// Numbers of as many bytes as they need: seven bits in each, the lowest
/// first, the highest bit set where another follows. At most ten bytes.
inline void put_varint(std::string& out, uint64_t number) {
  while (number >= 0x80) {
    out += static_cast<char>(number | 0x80);
    number >>= 7;
  }
  out += static_cast<char>(number);
}

/// Takes one from the front; nullopt: there is none, or it is too large.
inline std::optional<uint64_t> take_varint(std::string_view& in) {
  uint64_t out = 0;
  for (unsigned i = 0; i < 10 && i < in.size(); ++i) {
    auto byte = static_cast<unsigned char>(in[i]);
    if (i == 9 && byte > 1) break;
    out |= uint64_t{byte & 0x7fU} << (7 * i);
    if (byte & 0x80) continue;
    in.remove_prefix(i + 1);
    return out;
  }
  return std::nullopt;
}

/// Small negative numbers as small ones.
constexpr uint64_t fold_sign(int64_t number) {
  return static_cast<uint64_t>(number) << 1 ^
         static_cast<uint64_t>(number >> 63);
}
constexpr int64_t unfold_sign(uint64_t number) {
  return static_cast<int64_t>(number >> 1 ^ (0 - (number & 1)));
}

}  // namespace mail
