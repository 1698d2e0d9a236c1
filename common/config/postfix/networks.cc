#include "common/config/postfix/networks.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "common/base/ascii.h"

namespace mail::config {

namespace {

struct Binary {
  int family = AF_INET;
  unsigned char bytes[16] = {};
  int bits() const { return family == AF_INET ? 32 : 128; }
};

std::optional<Binary> to_binary(const std::string& address) {
  Binary binary;
  if (inet_pton(AF_INET, address.c_str(), binary.bytes) == 1) return binary;
  binary.family = AF_INET6;
  std::string bare = address.substr(0, address.find('%'));
  if (inet_pton(AF_INET6, bare.c_str(), binary.bytes) == 1) return binary;
  return std::nullopt;
}

std::string network_text(Binary binary, int prefix) {
  for (int bit = prefix; bit < binary.bits(); ++bit) {
    binary.bytes[bit / 8] &= static_cast<unsigned char>(~(0x80 >> (bit % 8)));
  }
  char text[INET6_ADDRSTRLEN];
  inet_ntop(binary.family, binary.bytes, text, sizeof text);
  return binary.family == AF_INET ? fmt::format("{}/{}", text, prefix)
                                  : fmt::format("[{}]/{}", text, prefix);
}

int class_prefix(unsigned char first) {
  if (first < 128) return 8;
  if (first < 192) return 16;
  return 24;
}

bool is_loopback(const OwnAddress& own) {
  auto binary = to_binary(own.address);
  if (!binary) return false;
  if (binary->family == AF_INET) return binary->bytes[0] == 127;
  return std::all_of(binary->bytes, binary->bytes + 15,
                     [](unsigned char b) { return b == 0; }) &&
         binary->bytes[15] == 1;
}

std::string without_brackets(std::string_view item) {
  if (item.size() > 2 && item.front() == '[' && item.back() == ']') {
    item = item.substr(1, item.size() - 2);
  }
  return std::string(item);
}

}  // namespace

Result<std::vector<OwnAddress>> own_addresses(std::string_view inet_interfaces,
                                              std::string_view inet_protocols,
                                              const HostFacts& host) {
  bool v4 = false, v6 = false;
  for (auto protocol : split(inet_protocols)) {
    v4 |= iequals(protocol, "all") || iequals(protocol, "ipv4");
    v6 |= iequals(protocol, "all") || iequals(protocol, "ipv6");
  }
  std::vector<OwnAddress> all, result;
  if (host.interfaces) all = host.interfaces();
  auto add = [&](const OwnAddress& own) {
    bool is_v6 = own.address.find(':') != std::string::npos;
    if (is_v6 ? v6 : v4) result.push_back(own);
  };
  auto add_address = [&](const std::string& address) {
    auto known = std::find_if(all.begin(), all.end(), [&](auto& own) {
      return own.address == address;
    });
    bool is_v6 = address.find(':') != std::string::npos;
    add(known != all.end() ? *known : OwnAddress{address, is_v6 ? 128 : 32});
  };
  for (auto item : split(inet_interfaces)) {
    if (iequals(item, "all") || iequals(item, "loopback-only")) {
      bool loopback_only = !iequals(item, "all");
      for (const OwnAddress& own : all) {
        if (!loopback_only || is_loopback(own)) add(own);
      }
      continue;
    }
    std::string name = without_brackets(item);
    if (to_binary(name)) {
      add_address(name);
      continue;
    }
    if (!host.resolve) continue;
    auto addresses = host.resolve(name);
    if (addresses.empty()) {
      return fail(Fault::Config,
                  fmt::format("config variable inet_interfaces: host not "
                              "found: {}",
                              item));
    }
    for (const std::string& address : addresses) add_address(address);
  }
  return result;
}

Result<std::string> default_networks(const std::vector<OwnAddress>& own,
                                     std::string_view style) {
  if (style != "host" && style != "subnet" && style != "class") {
    return fail(Fault::Config, fmt::format("unknown mynetworks_style value: "
                                           "{}",
                                           style));
  }
  std::string result;
  for (const OwnAddress& one : own) {
    auto binary = to_binary(one.address);
    if (!binary) continue;
    int prefix = std::clamp(one.prefix, 0, binary->bits());
    if (style == "host") prefix = binary->bits();
    if (style == "class" && binary->family == AF_INET) {
      prefix = class_prefix(binary->bytes[0]);
    }
    if (!result.empty()) result += ' ';
    result += network_text(*binary, prefix);
  }
  return result;
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 255) return false;
  bool only_digits = true;
  for (std::string_view label : split_exact(name, '.')) {
    if (label.empty() || label.size() > 63) return false;
    if (label.front() == '-' || label.back() == '-') return false;
    for (char c : label) {
      if (!is_alnum(c) && c != '-' && c != '_') return false;
      only_digits &= is_digit(c);
    }
  }
  return !only_digits;
}

}  // namespace mail::config
