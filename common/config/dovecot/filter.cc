#include "common/config/dovecot/filter.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <tuple>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/config/dovecot/configuration.h"

namespace mail::config::dovecot {

Network Network::parse(std::string_view text) {
  size_t slash = text.find('/');
  std::string address(text.substr(0, slash));
  if (address.size() > 2 && address[0] == '[' && address.back() == ']') {
    address = address.substr(1, address.size() - 2);
  }
  char bytes[16];
  Network out;
  if (inet_pton(AF_INET, address.c_str(), bytes) == 1) {
    out.bytes.assign(bytes, 4);
  } else if (inet_pton(AF_INET6, address.c_str(), bytes) == 1) {
    out.bytes.assign(bytes, 16);
  } else {
    return {};
  }
  out.bits = static_cast<unsigned>(out.bytes.size() * 8);
  if (slash != std::string_view::npos) {
    auto bits = parse_number<unsigned>(text.substr(slash + 1));
    if (!bits || *bits > out.bits) return {};
    out.bits = *bits;
  }
  return out;
}

bool Network::contains(const Network& inner) const {
  if (bytes.size() != inner.bytes.size() || bits > inner.bits) return false;
  for (unsigned bit = 0; bit < bits; ++bit) {
    unsigned shift = 7 - bit % 8;
    if (((bytes[bit / 8] ^ inner.bytes[bit / 8]) >> shift & 1) != 0) {
      return false;
    }
  }
  return true;
}

std::string Network::text() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), buffer,
            sizeof buffer);
  if (bits == bytes.size() * 8) return buffer;
  return fmt::format("{}/{}", buffer, bits);
}

bool local_name_matches(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0;
  while (p < pattern.size()) {
    char c = pattern[p++];
    if (c == '*') {
      size_t start = n;
      while (n < name.size() && name[n] != '.') ++n;
      if (n == start) return false;
    } else if (n == name.size() ||
               (c != '?' && to_lower(c) != to_lower(name[n])) ||
               (c == '?' && name[n] == '.')) {
      return false;
    } else {
      ++n;
    }
  }
  return n == name.size();
}

bool Filter::service_may_match(const Context& context) const {
  if (service.empty() || context.service.empty()) return true;
  if (service[0] == '!') return service.substr(1) != context.service;
  return service == context.service;
}

bool Filter::matches(const Context& context) const {
  if (!service.empty() && context.service.empty()) return false;
  if (!service_may_match(context)) return false;
  if (!local_name.empty()) {
    bool found = false;
    for (auto pattern : split(local_name, " \t")) {
      found |= local_name_matches(pattern, context.local_name);
    }
    if (!found) return false;
  }
  if (!local.bytes.empty() &&
      !local.contains(Network::parse(context.local_ip))) {
    return false;
  }
  return remote.bytes.empty() ||
         remote.contains(Network::parse(context.remote_ip));
}

bool Filter::less_specific(const Filter& a, const Filter& b) {
  auto key = [](const Filter& f) {
    return std::tuple(!f.local_name.empty(), !f.local.bytes.empty(),
                      f.local.bits, !f.remote.bytes.empty(), f.remote.bits,
                      !f.service.empty());
  };
  return key(a) < key(b);
}

bool operator==(const Filter& a, const Filter& b) {
  return a.service == b.service && a.local_name == b.local_name &&
         a.local.bytes == b.local.bytes && a.local.bits == b.local.bits &&
         a.remote.bytes == b.remote.bytes && a.remote.bits == b.remote.bits;
}

}  // namespace mail::config::dovecot
