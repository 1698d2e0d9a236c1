#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mail::spf {

/// The client's address, or one from DNS or a record. An IPv4 address mapped
/// into IPv6 is IPv4 (RFC 7208, 5).
struct Address {
  bool v6 = false;
  std::array<uint8_t, 16> bytes{};  ///< IPv4: the first four

  static std::optional<Address> parse(std::string_view text);
  int bits() const { return v6 ? 128 : 32; }
  /// Whether the first `prefix` bits (0..bits()) and the family are equal.
  bool in(const Address& network, int prefix) const;
  /// "192.0.2.1", "2001:db8::cb01": macro c.
  std::string text() const;
  /// "192.0.2.3", or 32 nibbles with dots, upper case as pyspf's: macro i.
  std::string dotted() const;
  /// "3.2.0.192.in-addr.arpa", "....ip6.arpa".
  std::string reverse_name() const;

  friend bool operator==(const Address&, const Address&) = default;
};

}  // namespace mail::spf
