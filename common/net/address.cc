#include "common/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

namespace mail::net {

std::optional<IpAddress> IpAddress::from_bytes(std::string_view bytes) {
  static constexpr char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1};
  if (bytes.size() == 16 && memcmp(bytes.data(), kMapped, 12) == 0) {
    bytes.remove_prefix(12);
  }
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  IpAddress out;
  out.size_ = static_cast<uint8_t>(bytes.size());
  memcpy(out.bytes_.data(), bytes.data(), bytes.size());
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN + 1];
  if (text.empty() || text.size() >= sizeof(buffer)) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  char raw[16];
  if (inet_pton(AF_INET, buffer, raw) == 1) return from_bytes({raw, 4});
  if (inet_pton(AF_INET6, buffer, raw) == 1) return from_bytes({raw, 16});
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::from_sockaddr(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return from_bytes({reinterpret_cast<const char*>(&v4->sin_addr), 4});
  }
  if (address->sa_family == AF_INET6) {
    auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    return from_bytes({reinterpret_cast<const char*>(&v6->sin6_addr), 16});
  }
  return std::nullopt;
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  static const IpAddress one = *parse("::1");
  return *this == one;
}

bool IpAddress::is_any() const {
  return std::all_of(bytes_.begin(), bytes_.begin() + size_,
                     [](uint8_t b) { return b == 0; });
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN];
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), buffer,
            sizeof(buffer));
  return buffer;
}

IpAddress IpAddress::masked(unsigned bits) const {
  IpAddress out = *this;
  for (unsigned i = 0; i < size_; ++i) {
    unsigned keep = std::min(8u, bits > i * 8 ? bits - i * 8 : 0u);
    out.bytes_[i] = static_cast<uint8_t>(bytes_[i] & (0xFF00u >> keep));
  }
  return out;
}

bool IpAddress::in_network(const IpAddress& network, unsigned bits) const {
  return size_ == network.size_ && masked(bits) == network.masked(bits);
}

std::string Endpoint::text() const {
  if (!path.empty()) return path;
  std::string host = address.text();
  if (address.is_v6()) host = "[" + host + "]";
  return host + ":" + std::to_string(port);
}

Result<socklen_t> Endpoint::to_sockaddr(sockaddr_storage& storage) const {
  memset(&storage, 0, sizeof(storage));
  if (!path.empty()) {
    auto* unix_address = reinterpret_cast<sockaddr_un*>(&storage);
    if (path.size() >= sizeof(unix_address->sun_path)) {
      return fail(Fault::Config, "socket path is too long: " + path);
    }
    unix_address->sun_family = AF_UNIX;
    memcpy(unix_address->sun_path, path.data(), path.size());
    return static_cast<socklen_t>(sizeof(sockaddr_un));
  }
  if (address.is_v4()) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    memcpy(&v4->sin_addr, address.bytes().data(), 4);
    return static_cast<socklen_t>(sizeof(sockaddr_in));
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  memcpy(&v6->sin6_addr, address.bytes().data(), 16);
  return static_cast<socklen_t>(sizeof(sockaddr_in6));
}

namespace {
Endpoint from_storage(const sockaddr_storage& storage, socklen_t size) {
  Endpoint out;
  auto* address = reinterpret_cast<const sockaddr*>(&storage);
  if (storage.ss_family == AF_UNIX) {
    auto* local = reinterpret_cast<const sockaddr_un*>(&storage);
    size_t length =
        size > offsetof(sockaddr_un, sun_path)
            ? strnlen(local->sun_path, size - offsetof(sockaddr_un, sun_path))
            : 0;
    out.path.assign(local->sun_path, length);
  } else if (auto ip = IpAddress::from_sockaddr(address)) {
    out.address = *ip;
    out.port = ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port);
  }
  return out;
}
}  // namespace

Endpoint Endpoint::peer_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return {};
  }
  return from_storage(storage, size);
}

Endpoint Endpoint::local_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return {};
  }
  return from_storage(storage, size);
}

}  // namespace mail::net
