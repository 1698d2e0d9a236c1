#include "queue/trivial-rewrite/resolver.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/config/postfix/networks.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "common/net/address.h"

namespace mail::rewrite {

namespace flag = ipc::resolve_flag;

namespace {
constexpr std::chrono::seconds kWildcardTime{30};
constexpr int kMostLoops = 50;  // each strips an operator of the address
}  // namespace

/// One address on its way through the rules.
struct Resolver::Work {
  std::string sender;
  std::string local, domain;  // internal form
  bool has_domain = false, is_local = false;
  int flags = 0;
  std::string transport, nexthop;

  bool bad_domain = false;

  bool over() const { return bad_domain || (flags & flag::kFail); }
  std::string address() const { return local + '@' + domain; }
  void set(std::string_view address) {
    auto parts = mime::split_address(address);
    std::string left(parts.local);
    has_domain = parts.domain.has_value();
    domain = std::string(parts.domain.value_or(""));
    local = std::move(left);
  }
};

net::Task<bool> Resolver::listed(Work& work, maps::MatchList& list,
                                 std::string_view title) {
  auto verdict = co_await list.match(work.domain);
  if (verdict) co_return *verdict;
  log::warning(fmt::format("{} lookup failure", title));
  work.flags |= flag::kFail;
  co_return false;
}

net::Task<bool> Resolver::is_local(Work& work, std::string domain) {
  if (domain.starts_with('[')) {
    co_return std::ranges::find(own_literals_, lower(domain)) !=
        own_literals_.end();
  }
  if (domain.size() > 1 && domain.ends_with('.')) domain.pop_back();
  auto verdict = co_await local_domains_.match(domain);
  if (verdict) co_return *verdict;
  log::warning("mydestination lookup failure");
  work.flags |= flag::kFail;
  co_return false;
}

// user%far@here and user@far@here: `here` is us, so the rest says where to.
net::Task<> Resolver::strip_local(Work& work) {
  std::string saved;
  bool saw_domain = false;
  for (int i = 0; i < kMostLoops; ++i) {
    if (work.has_domain && work.domain.size() > 1 &&
        work.domain.ends_with('.')) {
      work.domain.pop_back();
    }
    if (work.has_domain && work.domain.empty()) {
      if (!null_domain_) {
        work.bad_domain = true;
        co_return;
      }
      work.has_domain = false;
    }
    if (work.has_domain) {
      bool local = co_await is_local(work, work.domain);
      if (work.over() || !local) co_return;
      saved = work.domain;
      saw_domain = true;
    }
    bool quoted = mime::quote_local(work.local).starts_with('"');
    auto route = quoted && !dequoted_ && saw_domain
                     ? std::nullopt
                     : inner_route(work.local, rules_);
    if (!route) break;
    work.set(*route);
  }
  work.is_local = true;
  work.has_domain = true;
  work.domain = saw_domain ? saved : hostname_;
}

bool Resolver::valid_domain(std::string& domain) const {
  if (domain.starts_with('[')) {
    if (!domain.ends_with(']')) return false;
    std::string_view inner(domain);
    inner = inner.substr(1, inner.size() - 2);
    bool tagged = istarts_with(inner, "ipv6:");
    if (tagged) inner.remove_prefix(5);
    auto address = net::IpAddress::parse(inner);
    return address && tagged == (inner.find(':') != std::string_view::npos);
  }
  if (net::IpAddress::parse(domain)) {
    if (!numeric_domain_) return false;
    domain = '[' + domain + ']';
    return true;
  }
  if (config::is_host_name(domain)) return true;
  // Domains of SMTPUTF8 addresses come as UTF-8.
  return mime::is_domain(domain);
}

void Resolver::warn_both(std::string_view domain, std::string_view first,
                         std::string_view second) const {
  log::warning(fmt::format("do not list domain {} in BOTH {} and {}", domain,
                           first, second));
}

void Resolver::use_transport(Work& work, const std::string& value,
                             std::string_view parameter) const {
  size_t colon = value.find(':');
  work.transport = value.substr(0, colon);
  if (colon != std::string::npos && colon + 1 < value.size()) {
    work.nexthop = value.substr(colon + 1);
  }
  if (!work.transport.empty()) return;
  log::warning(
      fmt::format("file {}: parameter {}: null transport is not allowed",
                  main_cf_, parameter));
  work.flags |= flag::kFail;
}

maps::AddressOptions Resolver::address_options(bool local) const {
  maps::AddressOptions options;
  options.delimiters = delimiters_;
  options.is_local = [local](std::string_view) { return local; };
  return options;
}

net::Task<std::optional<std::string>> Resolver::by_sender(
    Work& work, maps::Tables& tables, std::string empty_key) {
  if (tables.empty()) co_return std::nullopt;
  std::string key = work.sender.empty() ? empty_key : work.sender;
  bool local = false;
  auto parts = mime::split_address(key);
  if (parts.domain) {
    std::string domain(*parts.domain);
    local = iequals(domain, origin_);
    if (!local) local = co_await is_local(work, domain);
  }
  auto keys = maps::address_keys(key, address_options(local));
  std::vector<maps::Key> plain(keys.begin(), keys.end());
  auto found = co_await tables.find_first(std::move(plain));
  if (!found) {
    log::warning(fmt::format("{} lookup failure", tables.title()));
    work.flags |= flag::kFail;
    co_return std::nullopt;
  }
  if (!*found || iequals((*found)->value, "DUNNO")) co_return std::nullopt;
  co_return std::move((*found)->value);
}

net::Task<> Resolver::default_route(Work& work, Routes& routes) {
  std::string transport = routes.fallback;
  std::string_view parameter = routes.names.fallback;
  bool relay = work.flags & flag::kRelay;
  if (relay) {
    transport = routes.relay;
    parameter = routes.names.relay;
  } else {
    auto own =
        co_await by_sender(work, routes.sender_default, empty_default_key_);
    if (own) {
      transport = std::move(*own);
      parameter = routes.sender_default.title();
    }
  }
  auto host =
      co_await by_sender(work, routes.sender_relayhost, empty_relayhost_key_);
  if (work.over()) co_return;
  if (host) {
    work.nexthop = std::move(*host);
  } else if (!routes.relayhost.empty()) {
    work.nexthop = routes.relayhost;
  } else {
    work.nexthop = work.domain;
  }
  use_transport(work, transport, parameter);
}

net::Task<> Resolver::classify(Work& work, Routes& routes) {
  bool alias = co_await listed(work, alias_domains_, "virtual_alias_domains");
  if (work.over()) co_return;
  if (work.is_local) {
    if (alias) warn_both(work.domain, "mydestination", "virtual_alias_domains");
    bool mailbox =
        co_await listed(work, mailbox_domains_, "virtual_mailbox_domains");
    if (mailbox) {
      warn_both(work.domain, "mydestination", "virtual_mailbox_domains");
    }
    if (work.over()) co_return;
    work.flags |= flag::kLocal;
    work.nexthop = work.domain;
    use_transport(work, routes.local, routes.names.local);
    co_return;
  }
  bool mailbox =
      co_await listed(work, mailbox_domains_, "virtual_mailbox_domains");
  if (work.over()) co_return;
  if (alias) {
    if (mailbox) {
      warn_both(work.domain, "virtual_alias_domains",
                "virtual_mailbox_domains");
    }
    work.flags |= flag::kAlias;
    work.transport = "error";
    work.nexthop = show_table_ ? "5.1.1 User unknown in virtual alias table"
                               : "5.1.1 User unknown";
    co_return;
  }
  bool relay = co_await listed(work, relay_domains_, "relay_domains");
  if (work.over()) co_return;
  if (mailbox) {
    if (relay) {
      warn_both(work.domain, "virtual_mailbox_domains", "relay_domains");
    }
    work.flags |= flag::kVirtual;
    work.nexthop = work.domain;
    use_transport(work, routes.virtual_mailbox, routes.names.virtual_mailbox);
    co_return;
  }
  work.flags |= relay ? flag::kRelay : flag::kDefault;
  co_await default_route(work, routes);
}

// Asked once in 30 s: it would else cost one more lookup for each address.
net::Task<std::optional<std::string>> Resolver::wildcard(Work& work,
                                                         Routes& routes) {
  if (routes.wildcard_until <= Clock::now()) {
    auto found = co_await routes.transport.find("*", maps::KeyKind::Partial);
    if (!found) {
      log::warning(fmt::format("{} lookup failure", routes.transport.title()));
      work.flags |= flag::kFail;
      co_return std::nullopt;
    }
    routes.has_wildcard = found->has_value();
    routes.wildcard = *found ? (*found)->value : "";
    routes.wildcard_until = Clock::now() + kWildcardTime;
  }
  if (!routes.has_wildcard) co_return std::nullopt;
  co_return routes.wildcard;
}

net::Task<> Resolver::apply_transport_map(Work& work, Routes& routes) {
  if (routes.transport.empty() || (work.flags & flag::kAlias)) co_return;
  auto found = co_await routes.transport.find_first(
      maps::transport_keys(work.address(), delimiters_, parents_));
  std::optional<std::string> value;
  if (!found) {
    log::warning(fmt::format("{} lookup failure", routes.transport.title()));
    work.flags |= flag::kFail;
    co_return;
  }
  if (*found) {
    value = (*found)->value;
  } else {
    value = co_await wildcard(work, routes);
  }
  if (!value || work.over()) co_return;
  size_t colon = value->find(':');
  std::string transport = value->substr(0, colon);
  std::string nexthop =
      colon == std::string::npos ? "" : value->substr(colon + 1);
  // ":" alone: as if there were no table.
  if (transport.empty() && nexthop.empty()) co_return;
  if (!transport.empty()) {
    bool refuses = transport == "error" || transport == "retry";
    work.transport = std::move(transport);
    work.nexthop = refuses ? "Address is undeliverable" : work.domain;
  }
  if (!nexthop.empty()) work.nexthop = std::move(nexthop);
}

net::Task<> Resolver::apply_relocated(Work& work) {
  if (relocated_.empty()) co_return;
  bool local = work.is_local || iequals(work.domain, origin_);
  auto keys = maps::address_keys(work.address(), address_options(local));
  std::vector<maps::Key> plain(keys.begin(), keys.end());
  auto found = co_await relocated_.find_first(std::move(plain));
  if (!found) {
    log::warning("relocated_maps lookup failure");
    work.flags |= flag::kFail;
  } else if (*found) {
    work.transport = "error";
    work.nexthop = "5.1.6 User has moved to " + (*found)->value;
  }
}

net::Task<ipc::ResolveReply> Resolver::resolve(Use use, std::string sender,
                                               std::string address) {
  Routes& routes = use == Use::Verify ? verify_ : deliver_;
  Work work;
  work.sender = std::move(sender);
  work.set(address);
  co_await strip_local(work);
  if (!work.over()) {
    if (work.local.empty() && work.is_local) work.local = empty_recipient_;
    if (!valid_domain(work.domain)) work.bad_domain = true;
    if (work.local.starts_with('-') && !minus_user_) {
      work.flags |= flag::kError;
    }
    if (work.local.find_first_of("@!%") != std::string::npos) {
      work.flags |= flag::kRouted;
    }
  }
  if (!work.over()) co_await classify(work, routes);
  if (!work.over()) co_await apply_transport_map(work, routes);
  if (!work.over()) co_await apply_relocated(work);
  // Clients take a reply without a transport for a broken one.
  if (work.bad_domain) {
    work.flags |= flag::kError | flag::kDefault;
    work.transport = "error";
    work.nexthop = "5.1.3 bad address syntax";
  } else if (work.over()) {
    work.transport = "retry";
    work.nexthop = "4.3.0 address resolver failure";
  }
  ipc::ResolveReply reply;
  reply.transport = std::move(work.transport);
  reply.nexthop = std::move(work.nexthop);
  reply.recipient = work.has_domain ? work.address() : address;
  reply.flags = work.flags;
  co_return reply;
}

}  // namespace mail::rewrite
