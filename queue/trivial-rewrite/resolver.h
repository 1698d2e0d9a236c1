#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/config/postfix/settings.h"
#include "common/ipc/rewrite.h"
#include "common/maps/address_find.h"
#include "common/maps/match_list.h"
#include "common/maps/tables.h"
#include "queue/trivial-rewrite/route.h"

namespace mail::rewrite {

/// A set of routing parameters: the plain ones or address_verify_*.
struct Routes {
  struct Names {
    std::string local, virtual_mailbox, relay, fallback;  ///< of parameters
  } names;
  std::string local, virtual_mailbox, relay, fallback, relayhost;
  maps::Tables transport, sender_relayhost, sender_default;
  std::string wildcard;  ///< transport_maps' "*", kept for 30 s
  bool has_wildcard = false;
  Instant wildcard_until{};
};

/// Where mail for an address goes (transport(5), ADDRESS_CLASS_README).
class Resolver {
 public:
  /// Opens the tables; still privileged. Errors: Config.
  static Result<std::unique_ptr<Resolver>> open(
      const config::Settings& settings, const maps::OpenOptions& options);

  enum class Use { Deliver, Verify };
  /// sender, address: internal form. The reply's server_flags are 0.
  net::Task<ipc::ResolveReply> resolve(Use use, std::string sender,
                                       std::string address);

 private:
  struct Work;
  net::Task<> strip_local(Work& work);
  net::Task<> classify(Work& work, Routes& routes);
  net::Task<> default_route(Work& work, Routes& routes);
  net::Task<> apply_transport_map(Work& work, Routes& routes);
  net::Task<> apply_relocated(Work& work);
  net::Task<bool> listed(Work& work, maps::MatchList& list,
                         std::string_view title);
  net::Task<bool> is_local(Work& work, std::string domain);
  net::Task<std::optional<std::string>> by_sender(Work& work,
                                                  maps::Tables& tables,
                                                  std::string empty_key);
  net::Task<std::optional<std::string>> wildcard(Work& work, Routes& routes);
  void use_transport(Work& work, const std::string& value,
                     std::string_view parameter) const;
  void warn_both(std::string_view domain, std::string_view first,
                 std::string_view second) const;
  bool valid_domain(std::string& domain) const;
  maps::AddressOptions address_options(bool local) const;

  RouteRules rules_;
  std::string hostname_, origin_, delimiters_, empty_recipient_, main_cf_;
  std::string empty_relayhost_key_, empty_default_key_;
  bool null_domain_ = false, numeric_domain_ = false, dequoted_ = true,
       minus_user_ = false, show_table_ = true;
  maps::Parents parents_ = maps::Parents::Dotted;
  std::vector<std::string> own_literals_;
  maps::MatchList local_domains_, alias_domains_, mailbox_domains_,
      relay_domains_;
  maps::Tables relocated_;
  Routes deliver_, verify_;
};

}  // namespace mail::rewrite
