#include "common/dns/hosts.h"

#include "common/base/ascii.h"

namespace mail::dns {

Hosts Hosts::parse(std::string_view text) {
  Hosts out;
  for (auto line : split_exact(text, '\n')) {
    auto words = split(line.substr(0, line.find('#')), " \t\r");
    if (words.size() < 2) continue;
    auto address = net::IpAddress::parse(words[0]);
    if (!address) continue;
    out.by_address_.emplace(*address, words[1]);
    for (size_t i = 1; i < words.size(); ++i) {
      out.by_name_[lower(words[i])].push_back(*address);
    }
  }
  return out;
}

std::vector<net::IpAddress> Hosts::addresses(std::string_view name) const {
  if (name.ends_with('.')) name.remove_suffix(1);
  auto found = by_name_.find(lower(name));
  if (found == by_name_.end()) return {};
  return found->second;
}

std::optional<std::string> Hosts::name(const net::IpAddress& address) const {
  auto found = by_address_.find(address);
  if (found == by_address_.end()) return std::nullopt;
  return found->second;
}

}  // namespace mail::dns
