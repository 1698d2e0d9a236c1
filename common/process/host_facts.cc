#include "common/process/host_facts.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <bit>

#include "common/base/handle.h"
#include "common/process/ids.h"

namespace mail::process {

namespace {

/// A numeric host, without the "%eth0" of link-local addresses.
std::string numeric(const sockaddr* address, socklen_t size) {
  char text[NI_MAXHOST];
  if (getnameinfo(address, size, text, sizeof(text), nullptr, 0,
                  NI_NUMERICHOST) != 0) {
    return {};
  }
  std::string out = text;
  return out.substr(0, out.find('%'));
}

int prefix_length(const sockaddr* mask) {
  if (!mask) return 0;
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  if (mask->sa_family == AF_INET) {
    bytes = reinterpret_cast<const uint8_t*>(
        &reinterpret_cast<const sockaddr_in*>(mask)->sin_addr);
    size = 4;
  } else if (mask->sa_family == AF_INET6) {
    bytes = reinterpret_cast<const uint8_t*>(
        &reinterpret_cast<const sockaddr_in6*>(mask)->sin6_addr);
    size = 16;
  }
  int bits = 0;
  for (size_t i = 0; i < size; ++i) bits += std::popcount(bytes[i]);
  return bits;
}

std::vector<config::OwnAddress> interfaces() {
  std::vector<config::OwnAddress> out;
  ifaddrs* raw = nullptr;
  if (getifaddrs(&raw) != 0) return out;
  Handle<ifaddrs, freeifaddrs> list(raw);
  for (ifaddrs* at = raw; at; at = at->ifa_next) {
    if (!at->ifa_addr || !(at->ifa_flags & IFF_UP)) continue;
    int family = at->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    socklen_t size =
        family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    out.push_back(
        {numeric(at->ifa_addr, size), prefix_length(at->ifa_netmask)});
  }
  return out;
}

std::vector<std::string> resolve(const std::string& name) {
  std::vector<std::string> out;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &raw) != 0) return out;
  Handle<addrinfo, freeaddrinfo> list(raw);
  for (addrinfo* at = raw; at; at = at->ai_next) {
    out.push_back(numeric(at->ai_addr, at->ai_addrlen));
  }
  return out;
}

}  // namespace

config::HostFacts host_facts() {
  config::HostFacts facts;
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) == 0) facts.host_name = name;
  facts.interfaces = interfaces;
  facts.resolve = resolve;
  facts.user =
      [](const std::string& user) -> std::optional<config::HostFacts::Ids> {
    auto found = find_user(user);
    if (!found || !*found) return std::nullopt;
    return config::HostFacts::Ids{(*found)->uid, (*found)->gid};
  };
  facts.group = [](const std::string& group) -> std::optional<unsigned> {
    auto found = find_group(group);
    if (!found || !*found) return std::nullopt;
    return **found;
  };
  return facts;
}

}  // namespace mail::process
