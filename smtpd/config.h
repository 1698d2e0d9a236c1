#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/auth/dovecot_client.h"
#include "common/config/postfix/settings.h"
#include "common/daemon/service.h"
#include "common/dns/resolver.h"
#include "common/filters/filters.h"
#include "common/ipc/conversation.h"
#include "common/maps/match_list.h"
#include "common/maps/tables.h"
#include "common/smtp/server_engine.h"
#include "common/tls/server_context.h"
#include "smtpd/restrict/restrictions.h"
#include "smtpd/rewrite_client.h"
#include "smtpd/shared_tickets.h"
#include "smtpd/sni.h"

namespace mail::smtpd {

enum class TlsLevel { None, May, Encrypt };

/// All that smtpd has read and opened; one a process, shared by its sessions.
struct Config {
  config::SettingsPtr settings;
  std::string host, banner, mail_name, service, origin;
  smtp::ServerLimits limits;

  // Limits and manners.
  std::chrono::seconds timeout{300}, starttls_timeout{300}, error_sleep{1};
  size_t soft_errors = 10, hard_errors = 20, junk_commands = 100;
  size_t recipient_limit = 1000, recipient_overshoot = 1000;
  long message_size = 0, queue_minfree = 0;
  size_t history_limit = 100;
  bool delay_reject = true, delay_open = true;
  bool disable_vrfy = false, peer_name_lookup = true, port_logging = false;
  bool forbid_unauth_pipelining = false;
  bool smtputf8 = true, external_form = true, soft_bounce = false;
  std::vector<std::string> discard_ehlo;  ///< lower case
  bool silent_discard = false;
  maps::Tables discard_ehlo_maps, command_filter;
  std::vector<std::string> noop_commands, forbidden_commands;  ///< upper case
  maps::Tables forbidden_patterns;
  maps::MatchList mynetworks, limit_exceptions, bare_newline_exceptions;
  smtp::BareNewline bare_newline = smtp::BareNewline::Normalize;
  std::string content_filter;
  struct Proxy {
    std::string endpoint;    ///< smtpd_proxy_filter; empty: none
    std::string connect_to;  ///< the same, as inet:host:port or unix:path
    std::string ehlo;
    std::chrono::seconds timeout{100};
    bool speed_adjust = false;
  } proxy;
  std::string postdrop;  ///< its path in standalone mode, where mail goes to it
  std::string reject_footer, expansion_filter;
  maps::Tables reject_footer_maps;
  maps::MatchList xclient_hosts, xforward_hosts;

  // Letters to the postmaster.
  unsigned notify_classes = 0;  ///< smtp::NotifyClass
  std::string error_recipient, bounce_recipient, double_bounce_sender;
  size_t history_threshold = 100;
  int notice_flags = 0;  ///< ipc::cleanup_flag, besides mapping
  bool address_mappings = true, header_body_checks = true, use_milters = true;

  // anvil limits; 0: none.
  size_t connection_count = 0, connection_rate = 0, message_rate = 0,
         recipient_rate = 0, new_tls_rate = 0, auth_rate = 0;
  bool counts_clients() const {
    return connection_count || connection_rate || message_rate ||
           recipient_rate || new_tls_rate || auth_rate;
  }

  // TLS.
  std::unique_ptr<tls::ServerContext> tls;
  std::unique_ptr<SniChains> sni;
  std::unique_ptr<SharedTickets> tickets;  ///< null: keys of our own
  TlsLevel tls_level = TlsLevel::None;
  bool tls_wrapper = false, tls_received_header = false;
  int tls_loglevel = 0;
  bool tls_ask_cert = false, tls_require_cert = false;

  // SASL.
  bool sasl = false, tls_auth_only = false, broken_auth = false,
       sasl_header = false;
  std::unique_ptr<auth::DovecotClient> auth;
  auth::SecurityOptions sasl_options, sasl_tls_options;
  std::string sasl_service;
  maps::MatchList sasl_exceptions;

  // Milters.
  std::vector<filters::Config> milters;
  maps::Tables milter_maps;
  filters::Config milter_defaults;
  milter::MacroLists milter_macros;
  std::vector<std::pair<std::string, std::string>> milter_default_macros;
  std::string milter_daemon_name, milter_v;
  filters::Connector milter_connector;

  // Whom we ask.
  std::unique_ptr<dns::Resolver> resolver;
  std::unique_ptr<RewriteClient> rewrite;
  std::unique_ptr<restriction::Restrictions> restrictions;
  std::unique_ptr<ipc::Client> anvil, cleanup, flush;
};

/// Still privileged. Errors: Config, for `fatal:`.
Result<std::unique_ptr<Config>> load(daemon::Context& context);

}  // namespace mail::smtpd
