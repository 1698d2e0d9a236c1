#include "common/spf/address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace mail::spf {

std::optional<Address> Address::parse(std::string_view view) {
  std::string text(view);
  Address out;
  if (inet_pton(AF_INET, text.c_str(), out.bytes.data()) == 1) return out;
  if (inet_pton(AF_INET6, text.c_str(), out.bytes.data()) != 1) {
    return std::nullopt;
  }
  constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0,    0,
                                               0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), out.bytes.begin())) {
    std::copy(out.bytes.begin() + 12, out.bytes.end(), out.bytes.begin());
    std::fill(out.bytes.begin() + 4, out.bytes.end(), 0);
    return out;
  }
  out.v6 = true;
  return out;
}

bool Address::in(const Address& network, int prefix) const {
  if (v6 != network.v6) return false;
  for (size_t i = 0; prefix > 0; ++i, prefix -= 8) {
    auto mask = static_cast<uint8_t>(prefix >= 8 ? 0xff : 0xff << (8 - prefix));
    if ((bytes[i] & mask) != (network.bytes[i] & mask)) return false;
  }
  return true;
}

std::string Address::text() const {
  char out[INET6_ADDRSTRLEN];
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), out, sizeof out);
  return out;
}

namespace {
char nibble(unsigned value) { return "0123456789ABCDEF"[value & 15]; }
}  // namespace

std::string Address::dotted() const {
  if (!v6) return text();
  std::string out;
  for (uint8_t byte : bytes) {
    for (unsigned value : {byte >> 4, byte & 15}) {
      if (!out.empty()) out += '.';
      out += nibble(value);
    }
  }
  return out;
}

std::string Address::reverse_name() const {
  if (!v6) {
    std::string out;
    for (int i = 3; i >= 0; --i) {
      out += std::to_string(bytes[static_cast<size_t>(i)]) + '.';
    }
    return out + "in-addr.arpa";
  }
  std::string out = dotted();
  std::reverse(out.begin(), out.end());
  return out + ".ip6.arpa";
}

}  // namespace mail::spf
