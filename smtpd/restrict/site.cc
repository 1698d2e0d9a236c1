#include "smtpd/restrict/site.h"

#include <algorithm>

#include "common/base/ascii.h"
#include "common/config/postfix/escapes.h"
#include "common/config/postfix/networks.h"
#include "common/daemon/tables.h"
#include "common/ipc/verify.h"
#include "common/log/log.h"
#include "common/process/host_facts.h"
#include "smtpd/restrict/run.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

// What own_addresses() asks: smtpd has no other need for interfaces.
std::vector<net::IpAddress> own_addresses(const config::Settings& settings) {
  std::vector<net::IpAddress> out;
  auto add = [&](std::string_view text) {
    if (auto address = net::IpAddress::parse(text)) out.push_back(*address);
  };
  auto found = config::own_addresses(settings.get(param::inet_interfaces),
                                     settings.get(param::inet_protocols),
                                     process::host_facts());
  if (found) {
    for (const auto& one : *found) add(one.address);
  }
  for (auto text : split(settings.get(param::proxy_interfaces))) add(text);
  return out;
}

dns::Families families(std::string_view protocols) {
  if (has_word(protocols, "all")) return dns::Families::Both;
  bool four = has_word(protocols, "ipv4"), six = has_word(protocols, "ipv6");
  if (four && six) return dns::Families::Both;
  return six ? dns::Families::V6 : dns::Families::V4;
}

}  // namespace

Site::Site(daemon::Context& c, dns::Resolver& r, RewriteClient& w)
    : context(c),
      settings(*c.settings),
      resolver(r),
      rewrite(w),
      verify({.path =
                  "private/" + settings.get(param::address_verify_service_name),
              .protocol = ipc::kVerifyProtocol,
              .idle = settings.get(param::ipc_idle),
              .timeout = settings.get(param::ipc_timeout)}) {}

Site::~Site() = default;

Result<> Site::open() {
  options = daemon::table_options(context);
  struct Wanted {
    maps::Tables& tables;
    const char* title;
    const std::string& value;
  };
  const Wanted wanted[] = {
      {recipient_canonical, "recipient_canonical_maps",
       settings.get(param::recipient_canonical_maps)},
      {sender_canonical, "sender_canonical_maps",
       settings.get(param::sender_canonical_maps)},
      {canonical, "canonical_maps", settings.get(param::canonical_maps)},
      {virtual_alias, "virtual_alias_maps",
       settings.get(param::virtual_alias_maps)},
      {local_recipients, "local_recipient_maps",
       settings.get(param::local_recipient_maps)},
      {virtual_mailboxes, "virtual_mailbox_maps",
       settings.get(param::virtual_mailbox_maps)},
      {relay_recipients, "relay_recipient_maps",
       settings.get(param::relay_recipient_maps)},
      {sender_logins, "smtpd_sender_login_maps",
       settings.get(param::smtpd_sender_login_maps)},
      {rbl_replies, "rbl_reply_maps", settings.get(param::rbl_reply_maps)},
      {client_certs, "relay_clientcerts",
       settings.get(param::relay_clientcerts)},
  };
  for (const auto& want : wanted) {
    want.tables = TRY(maps::Tables::open(want.title, want.value, options));
  }
  const auto& matches = settings.get(param::parent_domain_matches_subdomains);
  mydestination = maps::MatchList::open(
      "mydestination", settings.get(param::mydestination),
      {.kind = maps::ListKind::String, .tables = options});
  mx_backup_networks = maps::MatchList::open(
      "permit_mx_backup_networks",
      settings.get(param::permit_mx_backup_networks),
      {.kind = maps::ListKind::Network,
       .parents_match = has_word(matches, "permit_mx_backup_networks"),
       .tables = options});
  permit_actions = maps::MatchList::open(
      "smtpd_log_access_permit_actions",
      settings.get(param::smtpd_log_access_permit_actions),
      {.kind = maps::ListKind::String, .tables = options});
  access_parents = has_word(matches, "smtpd_access_maps")
                       ? maps::Parents::Plain
                       : maps::Parents::Dotted;
  own = own_addresses(settings);
  expansion_filter =
      config::undo_escapes(settings.get(param::smtpd_expansion_filter));
  delimiters = settings.get(param::recipient_delimiter);
  origin = settings.get(param::myorigin);
  families = restriction::families(settings.get(param::inet_protocols));
  external_form = settings.get(param::info_log_address_format) != "internal";
  show_table_name = settings.get(param::show_user_unknown_table_name);
  return {};
}

Result<maps::Tables*> Site::table(std::string_view type_name) {
  auto at = tables.find(type_name);
  if (at == tables.end()) {
    std::string name(type_name);
    auto opened = TRY(maps::Tables::open(name, name, options));
    at = tables.emplace(name, std::move(opened)).first;
  }
  return &at->second;
}

bool Site::logs_permit(std::string_view action) {
  if (permit_actions.empty()) return false;
  auto matched = permit_actions.match_now(action);
  return matched && *matched && **matched;
}

bool Site::is_own(const net::IpAddress& address) const {
  return std::find(own.begin(), own.end(), address) != own.end();
}

bool Site::is_local(std::string_view domain) {
  if (iequals(domain, origin)) return true;
  auto matched = mydestination.match_now(domain);
  if (matched && *matched && **matched) return true;
  if (domain.size() < 3 || domain.front() != '[' || domain.back() != ']') {
    return false;
  }
  std::string_view text = domain.substr(1, domain.size() - 2);
  if (istarts_with(text, "IPv6:")) text.remove_prefix(5);
  auto address = net::IpAddress::parse(text);
  return address && is_own(*address);
}

}  // namespace mail::smtpd::restriction
