#include <algorithm>

#include "common/base/ascii.h"
#include "common/config/postfix/networks.h"
#include "common/config/postfix/params.h"
#include "common/net/address.h"
#include "common/process/host_facts.h"
#include "queue/trivial-rewrite/resolver.h"

namespace mail::rewrite {

namespace param = config::param;

namespace {

Result<> open_plain(Routes& r, const config::Settings& s,
                    const maps::OpenOptions& options) {
  r.names = {"local_transport", "virtual_transport", "relay_transport",
             "default_transport"};
  r.local = s.get(param::local_transport);
  r.virtual_mailbox = s.get(param::virtual_transport);
  r.relay = s.get(param::relay_transport);
  r.fallback = s.get(param::default_transport);
  r.relayhost = s.get(param::relayhost);
  r.transport = TRY(maps::Tables::open("transport_maps",
                                       s.get(param::transport_maps), options));
  r.sender_relayhost = TRY(maps::Tables::open(
      "sender_dependent_relayhost_maps",
      s.get(param::sender_dependent_relayhost_maps), options));
  r.sender_default = TRY(maps::Tables::open(
      "sender_dependent_default_transport_maps",
      s.get(param::sender_dependent_default_transport_maps), options));
  return {};
}

Result<> open_verify(Routes& r, const config::Settings& s,
                     const maps::OpenOptions& options) {
  r.names = {
      "address_verify_local_transport", "address_verify_virtual_transport",
      "address_verify_relay_transport", "address_verify_default_transport"};
  r.local = s.get(param::address_verify_local_transport);
  r.virtual_mailbox = s.get(param::address_verify_virtual_transport);
  r.relay = s.get(param::address_verify_relay_transport);
  r.fallback = s.get(param::address_verify_default_transport);
  r.relayhost = s.get(param::address_verify_relayhost);
  r.transport = TRY(
      maps::Tables::open("address_verify_transport_maps",
                         s.get(param::address_verify_transport_maps), options));
  r.sender_relayhost = TRY(maps::Tables::open(
      "address_verify_sender_dependent_relayhost_maps",
      s.get(param::address_verify_sender_dependent_relayhost_maps), options));
  r.sender_default = TRY(maps::Tables::open(
      "address_verify_sender_dependent_default_transport_maps",
      s.get(param::address_verify_sender_dependent_default_transport_maps),
      options));
  return {};
}

Result<std::vector<std::string>> own_literals(const config::Settings& s) {
  auto own = TRY(config::own_addresses(s.get(param::inet_interfaces),
                                       s.get(param::inet_protocols),
                                       process::host_facts()));
  std::vector<std::string> literals;
  auto add = [&literals](std::string_view text) {
    auto address = net::IpAddress::parse(text);
    if (!address) return;
    if (address->is_v4()) literals.push_back('[' + address->text() + ']');
    if (address->is_v6()) {
      literals.push_back("[ipv6:" + lower(address->text()) + ']');
    }
  };
  for (const auto& address : own) add(address.address);
  for (auto text : split(s.get(param::proxy_interfaces))) add(text);
  return literals;
}

}  // namespace

Result<std::unique_ptr<Resolver>> Resolver::open(
    const config::Settings& s, const maps::OpenOptions& options) {
  auto made = std::make_unique<Resolver>();
  Resolver& r = *made;
  r.rules_ = {s.get(param::swap_bangpath), s.get(param::allow_percent_hack)};
  r.hostname_ = s.get(param::myhostname);
  r.origin_ = s.get(param::myorigin);
  r.delimiters_ = s.get(param::recipient_delimiter);
  r.empty_recipient_ = s.get(param::empty_address_recipient);
  r.main_cf_ = s.main_cf();
  r.empty_relayhost_key_ =
      s.get(param::empty_address_relayhost_maps_lookup_key);
  r.empty_default_key_ =
      s.get(param::empty_address_default_transport_maps_lookup_key);
  r.null_domain_ = s.get(param::resolve_null_domain);
  r.numeric_domain_ = s.get(param::resolve_numeric_domain);
  r.dequoted_ = s.get(param::resolve_dequoted_address);
  r.minus_user_ = s.get(param::allow_min_user);
  r.show_table_ = s.get(param::show_user_unknown_table_name);
  const auto& parents = s.get(param::parent_domain_matches_subdomains);
  r.parents_ = has_word(parents, "transport_maps") ? maps::Parents::Plain
                                                   : maps::Parents::Dotted;
  r.own_literals_ = TRY(own_literals(s));
  auto list = [&](const char* title, param::String p, maps::ListKind kind) {
    maps::MatchList::Options how;
    how.kind = kind;
    how.parents_match = has_word(parents, title);
    how.tables = options;
    return maps::MatchList::open(title, s.get(p), how);
  };
  using maps::ListKind;
  r.local_domains_ =
      list("mydestination", param::mydestination, ListKind::String);
  r.alias_domains_ = list("virtual_alias_domains", param::virtual_alias_domains,
                          ListKind::String);
  r.mailbox_domains_ = list("virtual_mailbox_domains",
                            param::virtual_mailbox_domains, ListKind::String);
  r.relay_domains_ =
      list("relay_domains", param::relay_domains, ListKind::Domain);
  r.relocated_ = TRY(maps::Tables::open("relocated_maps",
                                        s.get(param::relocated_maps), options));
  TRY(open_plain(r.deliver_, s, options));
  TRY(open_verify(r.verify_, s, options));
  return made;
}

}  // namespace mail::rewrite
