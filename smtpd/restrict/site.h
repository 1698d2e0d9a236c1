#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/daemon/service.h"
#include "common/dns/lookups.h"
#include "common/dns/resolver.h"
#include "common/ipc/conversation.h"
#include "common/maps/address_find.h"
#include "common/maps/match_list.h"
#include "common/maps/tables.h"
#include "common/net/address.h"
#include "smtpd/restrict/policy_client.h"
#include "smtpd/rewrite_client.h"

namespace mail::smtpd::restriction {

struct Item;

/// What restrictions share: settings, tables, whom to ask. One a process.
struct Site {
  Site(daemon::Context& context, dns::Resolver& resolver,
       RewriteClient& rewrite);
  ~Site();
  Site(const Site&) = delete;

  /// Opens what settings name. Errors: Config.
  Result<> open();
  /// The table "type:name", opened once.
  Result<maps::Tables*> table(std::string_view type_name);
  /// smtpd_log_access_permit_actions has this action.
  bool logs_permit(std::string_view action);
  /// $myorigin, mydestination, or an own address in brackets.
  bool is_local(std::string_view domain);
  bool is_own(const net::IpAddress& address) const;

  daemon::Context& context;
  const config::Settings& settings;
  dns::Resolver& resolver;
  RewriteClient& rewrite;
  ipc::Client verify;
  maps::OpenOptions options;
  std::map<std::string, maps::Tables, std::less<>> tables;
  std::map<std::string, std::unique_ptr<PolicyClient>, std::less<>> policies;
  /// smtpd_restriction_classes, parsed; they may name each other.
  std::map<std::string, std::unique_ptr<std::vector<Item>>, std::less<>>
      classes;

  maps::Tables recipient_canonical, sender_canonical, canonical, virtual_alias,
      local_recipients, virtual_mailboxes, relay_recipients, sender_logins,
      rbl_replies, client_certs;
  maps::MatchList mydestination, mx_backup_networks, permit_actions;
  std::vector<net::IpAddress> own;  ///< inet_interfaces, proxy_interfaces
  std::string delimiters, origin;
  std::string expansion_filter;  ///< smtpd_expansion_filter, unescaped
  maps::Parents access_parents = maps::Parents::Plain;
  dns::Families families = dns::Families::Both;
  bool external_form = true, show_table_name = true;
};

}  // namespace mail::smtpd::restriction
