#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace mail::net {

/// An IPv4 or IPv6 address; an IPv4-mapped IPv6 address is the IPv4 one.
class IpAddress {
 public:
  IpAddress() = default;  ///< 0.0.0.0
  /// "192.0.2.1", "2001:db8::1"; no brackets, no "IPv6:" in front.
  static std::optional<IpAddress> parse(std::string_view text);
  static std::optional<IpAddress> from_bytes(std::string_view bytes);  // 4, 16
  /// Of an AF_INET or AF_INET6 socket address.
  static std::optional<IpAddress> from_sockaddr(const sockaddr* address);

  bool is_v4() const { return size_ == 4; }
  bool is_v6() const { return size_ == 16; }
  bool is_loopback() const;
  bool is_any() const;
  /// 4 or 16 bytes in network order.
  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(bytes_.data()), size_};
  }
  std::string text() const;
  /// The first `bits` bits are the same, and the family is.
  bool in_network(const IpAddress& network, unsigned bits) const;
  /// The same address with all but the first `bits` bits 0.
  IpAddress masked(unsigned bits) const;
  unsigned bit_count() const { return size_ * 8u; }

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  uint8_t size_ = 4;
  std::array<uint8_t, 16> bytes_{};
};

/// An address and a port, or a Unix socket's path.
struct Endpoint {
  IpAddress address;
  uint16_t port = 0;
  std::string path;  ///< not empty: a Unix socket

  /// "192.0.2.1:25", "[2001:db8::1]:25" or the path.
  std::string text() const;
  /// Fills `storage`, returns the length for connect() or bind().
  /// Errors: Config, the path is too long.
  Result<socklen_t> to_sockaddr(sockaddr_storage& storage) const;
  /// What getpeername() or getsockname() say of `fd`; a default Endpoint if
  /// the socket has no name.
  static Endpoint peer_of(int fd);
  static Endpoint local_of(int fd);

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

}  // namespace mail::net
