#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/auth/dovecot_client.h"
#include "common/config/postfix/settings.h"
#include "common/daemon/service.h"
#include "common/dns/lookups.h"
#include "common/maps/tables.h"
#include "common/smtp/client_engine.h"
#include "common/tls/client_context.h"
#include "delivery/smtp/checks.h"
#include "delivery/smtp/generic.h"
#include "delivery/smtp/login_cache.h"
#include "delivery/smtp/tls_policy.h"
#include "delivery/smtp/tls_sessions.h"

namespace mail::smtpc {

using config::ClientMode;

/// All that smtp(8) or lmtp(8) has read and opened; one a process.
struct Config {
  config::SettingsPtr settings;
  ClientMode mode = ClientMode::Smtp;
  std::string process;  ///< "smtp" or "lmtp"
  std::string host, helo_name, default_port;
  smtp::ClientEngine::Limits limits;

  std::chrono::seconds connect_timeout{30}, helo_timeout{300},
      starttls_timeout{300}, mail_timeout{300}, rcpt_timeout{300},
      xforward_timeout{300}, data_init_timeout{120}, data_xfer_timeout{180},
      data_done_timeout{600}, rset_timeout{20}, quit_timeout{300};
  size_t address_limit = 5, session_limit = 2;
  bool skip_5xx_greeting = true, skip_quit_response = true, randomize = true,
       dns_lookups = true, always_ehlo = true, never_ehlo = false,
       send_xforward = false, dummy_mail_auth = false;
  bool lookup_dns = true, lookup_native = false;
  dns::Families families = dns::Families::Both;
  std::string address_preference;
  std::vector<net::IpAddress> own_addresses;
  std::optional<net::IpAddress> bind_v4, bind_v6;
  std::string fallback_relay, relayhost;
  bool balance_families = true, defer_without_mx_address = false;

  std::string discard_keywords;
  maps::Tables discard_maps;
  maps::Tables reply_filter;  ///< members that need no other process
  maps::Tables pix_maps;
  struct Pix {
    std::string workarounds;
    std::chrono::seconds threshold{500}, delay{10};
  } pix;
  bool probe_with_data = false;  ///< smtp_address_verify_target

  std::optional<TlsPolicies> tls_policies;
  std::unique_ptr<tls::ClientContext> tls;
  std::unique_ptr<TlsSessions> tls_sessions;  ///< null: none are kept
  int tls_loglevel = 0;
  bool wrappermode = false, note_starttls = false;

  bool sasl = false, sender_dependent = false, sasl_soft_bounce = true;
  maps::Tables passwords;
  auth::SecurityOptions sasl_options, sasl_tls_options,
      sasl_tls_verified_options;
  maps::MatchList mechanism_filter;
  bool send_authzid = false;
  std::unique_ptr<LoginCache> login_cache;  ///< null: none

  GenericMaps generic;
  Checks checks;
  bool convert_8bit = true;  ///< to quoted-printable where it must be

  bool cache_on_demand = true;
  maps::MatchList cache_destinations;
  std::chrono::seconds cache_time{2}, reuse_time{300};
  size_t reuse_count = 0;

  // flags= of master.cf
  bool add_delivered_to = false, add_original_to = false,
       add_return_path = false, final_delivery = false;

  std::unique_ptr<dns::Resolver> resolver;
};

/// Still privileged. Errors: Config, for `fatal:`.
Result<std::unique_ptr<Config>> load(daemon::Context& context);

}  // namespace mail::smtpc
