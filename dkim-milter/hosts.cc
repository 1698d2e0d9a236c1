#include "dkim-milter/hosts.h"

#include <fmt/format.h>

#include "common/base/ascii.h"

namespace mail::dkim_milter {

namespace {

std::optional<bool> look(const maps::DataSet& set, const std::string& text) {
  if (set.contains("!" + text)) return false;
  if (set.contains(text)) return true;
  return std::nullopt;
}

std::optional<bool> look_name(const maps::DataSet& set, std::string_view host) {
  std::string name = lower(host);
  if (name.empty() || name[0] == '[') return std::nullopt;
  if (auto hit = look(set, name)) return hit;
  for (size_t dot = name.find('.'); dot != std::string::npos;
       dot = name.find('.', dot + 1)) {
    if (auto hit = look(set, name.substr(dot))) return hit;
  }
  return std::nullopt;
}

std::optional<bool> look_address(const maps::DataSet& set,
                                 const net::IpAddress& address) {
  std::string text = address.text();
  if (auto hit = look(set, text)) return hit;
  if (auto hit = look(set, "[" + text + "]")) return hit;
  if (!set.may_hold('/')) return std::nullopt;
  for (unsigned left = address.bit_count() + 1; left > 0; --left) {
    unsigned bits = left - 1;
    std::string network = address.masked(bits).text();
    if (auto hit = look(set, fmt::format("{}/{}", network, bits))) return hit;
    if (auto hit = look(set, fmt::format("[{}]/{}", network, bits))) return hit;
  }
  return std::nullopt;
}

}  // namespace

bool holds_client(const maps::DataSet& set, const Client& client) {
  static const net::IpAddress local = *net::IpAddress::parse("127.0.0.1");
  if (auto hit = look_name(set, client.host)) return *hit;
  return look_address(set, client.address.value_or(local)).value_or(false);
}

}  // namespace mail::dkim_milter
