#include "smtpd/config.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/config/postfix/escapes.h"
#include "common/config/postfix/params.h"
#include "common/daemon/tables.h"
#include "common/dns/lookups.h"
#include "common/filters/connect.h"
#include "common/ipc/anvil.h"
#include "common/ipc/cleanup.h"
#include "common/ipc/flush.h"
#include "common/log/log.h"
#include "common/smtp/transcript.h"
#include "smtpd/standalone.h"

namespace mail::smtpd {

namespace param = config::param;

namespace {

size_t size_of(const config::Settings& s, param::Int p) {
  return static_cast<size_t>(std::max(0L, s.get(p)));
}

void load_limits(Config& c) {
  const auto& s = *c.settings;
  c.host = s.get(param::myhostname);
  c.banner = s.get(param::smtpd_banner);
  c.mail_name = s.get(param::mail_name);
  c.origin = s.get(param::myorigin);
  c.timeout = s.get(param::smtpd_timeout);
  c.starttls_timeout = s.get(param::smtpd_starttls_timeout);
  c.error_sleep = s.get(param::smtpd_error_sleep_time);
  c.soft_errors = size_of(s, param::smtpd_soft_error_limit);
  c.recipient_limit = size_of(s, param::smtpd_recipient_limit);
  c.recipient_overshoot = size_of(s, param::smtpd_recipient_overshoot_limit);
  c.message_size = s.get(param::message_size_limit);
  c.queue_minfree = s.get(param::queue_minfree);
  c.delay_reject = s.get(param::smtpd_delay_reject);
  c.delay_open = s.get(param::smtpd_delay_open_until_valid_rcpt);
  c.disable_vrfy = s.get(param::disable_vrfy_command);
  c.peer_name_lookup = s.get(param::smtpd_peername_lookup);
  c.port_logging = s.get(param::smtpd_client_port_logging);
  c.forbid_unauth_pipelining = s.get(param::smtpd_forbid_unauth_pipelining);
  c.smtputf8 = s.get(param::smtputf8_enable);
  c.external_form = s.get(param::info_log_address_format) != "internal";
  c.soft_bounce = s.get(param::soft_bounce);
  c.content_filter = s.get(param::content_filter);
  c.limits.line_length = size_of(s, param::line_length_limit);
  c.limits.sasl_response = size_of(s, param::smtpd_sasl_response_limit);
  c.limits.host = c.host;
  c.limits.helo_required = s.get(param::smtpd_helo_required);
  c.limits.commands.strict_rfc821_envelopes =
      s.get(param::strict_rfc821_envelopes);
  c.limits.commands.smtputf8 = c.smtputf8;
}

void load_counts(Config& c) {
  const auto& s = *c.settings;
  c.hard_errors = size_of(s, param::smtpd_hard_error_limit);
  c.junk_commands = size_of(s, param::smtpd_junk_command_limit);
  c.connection_count = size_of(s, param::smtpd_client_connection_count_limit);
  c.connection_rate = size_of(s, param::smtpd_client_connection_rate_limit);
  c.message_rate = size_of(s, param::smtpd_client_message_rate_limit);
  c.recipient_rate = size_of(s, param::smtpd_client_recipient_rate_limit);
  c.new_tls_rate = size_of(s, param::smtpd_client_new_tls_session_rate_limit);
  c.auth_rate = size_of(s, param::smtpd_client_auth_rate_limit);
}

/// SMTP smuggling is refused unless somebody says otherwise.
Result<> load_bare_newline(Config& c, const maps::OpenOptions& tables) {
  const auto& s = *c.settings;
  if (s.is_set("smtpd_forbid_bare_newline")) {
    std::string value = lower(s.get(param::smtpd_forbid_bare_newline));
    if (value == "no")
      c.bare_newline = smtp::BareNewline::Allow;
    else if (value == "reject")
      c.bare_newline = smtp::BareNewline::Reject;
    else if (value != "yes" && value != "normalize") {
      return fail(Fault::Config,
                  fmt::format("unrecognized smtpd_forbid_bare_newline value: "
                              "'{}'",
                              value));
    }
  }
  c.limits.bare_newline = c.bare_newline;
  c.limits.bare_newline_code =
      static_cast<int>(s.get(param::smtpd_forbid_bare_newline_reject_code));
  maps::MatchList::Options list;
  list.kind = maps::ListKind::Network;
  list.tables = tables;
  c.bare_newline_exceptions = maps::MatchList::open(
      "smtpd_forbid_bare_newline_exclusions",
      s.get(param::smtpd_forbid_bare_newline_exclusions), list);
  return {};
}

Result<> load_lists(Config& c, const maps::OpenOptions& tables) {
  const auto& s = *c.settings;
  maps::MatchList::Options list;
  list.kind = maps::ListKind::Network;
  list.tables = tables;
  for (auto name : split(s.get(param::parent_domain_matches_subdomains))) {
    if (name == "mynetworks") list.parents_match = true;
  }
  c.mynetworks =
      maps::MatchList::open("mynetworks", s.get(param::mynetworks), list);
  c.limit_exceptions = maps::MatchList::open(
      "smtpd_client_event_limit_exceptions",
      s.get(param::smtpd_client_event_limit_exceptions), list);
  c.sasl_exceptions =
      maps::MatchList::open("smtpd_sasl_exceptions_networks",
                            s.get(param::smtpd_sasl_exceptions_networks), list);
  for (auto word : split(s.get(param::smtpd_discard_ehlo_keywords))) {
    if (iequals(word, "silent-discard"))
      c.silent_discard = true;
    else
      c.discard_ehlo.push_back(lower(word));
  }
  c.discard_ehlo_maps = TRY(maps::Tables::open(
      "smtpd_discard_ehlo_keyword_address_maps",
      s.get(param::smtpd_discard_ehlo_keyword_address_maps), tables));
  c.command_filter = TRY(maps::Tables::open(
      "smtpd_command_filter", s.get(param::smtpd_command_filter), tables));
  for (auto word : split(s.get(param::smtpd_noop_commands))) {
    c.noop_commands.push_back(upper(word));
  }
  std::string patterns;
  for (auto word : split_braced(s.get(param::smtpd_forbidden_commands))) {
    if (word.find(':') == std::string_view::npos) {
      c.forbidden_commands.push_back(upper(word));
    } else {
      patterns.append(word).append(" ");
    }
  }
  c.forbidden_patterns =
      TRY(maps::Tables::open("smtpd_forbidden_commands", patterns, tables));
  for (auto word : split(s.get(param::receive_override_options))) {
    if (word == "no_address_mappings") c.address_mappings = false;
    if (word == "no_header_body_checks") c.header_body_checks = false;
    if (word == "no_milters") c.use_milters = false;
  }
  return load_bare_newline(c, tables);
}

Result<> load_notices(Config& c, const maps::OpenOptions& tables) {
  const auto& s = *c.settings;
  maps::MatchList::Options list;
  list.kind = maps::ListKind::Network;
  list.tables = tables;
  auto hosts = [&](std::string title, const std::string& value) {
    list.parents_match = false;
    for (auto name : split(s.get(param::parent_domain_matches_subdomains))) {
      if (name == title) list.parents_match = true;
    }
    return maps::MatchList::open(title, value, list);
  };
  c.xclient_hosts = hosts("smtpd_authorized_xclient_hosts",
                          s.get(param::smtpd_authorized_xclient_hosts));
  c.xforward_hosts = hosts("smtpd_authorized_xforward_hosts",
                           s.get(param::smtpd_authorized_xforward_hosts));
  c.reject_footer = s.get(param::smtpd_reject_footer);
  c.expansion_filter =
      config::undo_escapes(s.get(param::smtpd_expansion_filter));
  c.reject_footer_maps =
      TRY(maps::Tables::open("smtpd_reject_footer_maps",
                             s.get(param::smtpd_reject_footer_maps), tables));
  c.notify_classes = smtp::parse_notify_classes(s.get(param::notify_classes));
  c.error_recipient = s.get(param::error_notice_recipient);
  c.bounce_recipient = s.get(param::bounce_notice_recipient);
  c.double_bounce_sender =
      fmt::format("{}@{}", s.get(param::double_bounce_sender), c.host);
  c.history_threshold = size_of(s, param::smtpd_history_flush_threshold);
  for (auto kind : split(s.get(param::internal_mail_filter_classes))) {
    if (kind == "notify") {
      c.notice_flags |= ipc::cleanup_flag::kFilter | ipc::cleanup_flag::kMilter;
    }
  }
  return {};
}

TlsLevel tls_level(const config::Settings& s) {
  std::string level = lower(s.get(param::smtpd_tls_security_level));
  if (level.empty()) {
    return s.get(param::smtpd_enforce_tls) ? TlsLevel::Encrypt
           : s.get(param::smtpd_use_tls)   ? TlsLevel::May
                                           : TlsLevel::None;
  }
  if (level == "none") return TlsLevel::None;
  if (level == "may") return TlsLevel::May;
  if (level == "encrypt") return TlsLevel::Encrypt;
  log::warning(
      fmt::format("ignoring TLS security level: {}: using encrypt", level));
  return TlsLevel::Encrypt;
}

tls::ServerOptions tls_options(const config::Settings& s, TlsLevel level) {
  tls::ServerOptions o;
  bool mandatory = level == TlsLevel::Encrypt;
  for (auto file : split(s.get(param::smtpd_tls_chain_files))) {
    o.certificates.chain_files.emplace_back(file);
  }
  o.certificates.pairs = {
      {s.get(param::smtpd_tls_cert_file), s.get(param::smtpd_tls_key_file)},
      {s.get(param::smtpd_tls_dcert_file), s.get(param::smtpd_tls_dkey_file)},
      {s.get(param::smtpd_tls_eccert_file),
       s.get(param::smtpd_tls_eckey_file)}};
  o.ca_file = s.get(param::smtpd_tls_CAfile);
  o.ca_path = s.get(param::smtpd_tls_CApath);
  o.append_default_ca = s.get(param::tls_append_default_CA);
  o.cipher_lists.high = s.get(param::tls_high_cipherlist);
  o.cipher_lists.medium = s.get(param::tls_medium_cipherlist);
  o.cipher_lists.low = s.get(param::tls_low_cipherlist);
  o.cipher_lists.export_grade = s.get(param::tls_export_cipherlist);
  o.cipher_lists.null = s.get(param::tls_null_cipherlist);
  o.eecdh_curves = s.get(param::tls_eecdh_auto_curves);
  o.ssl_options = s.get(param::tls_ssl_options);
  o.disable_workarounds = s.get(param::tls_disable_workarounds);
  o.fingerprint_digest = s.get(param::smtpd_tls_fingerprint_digest);
  o.protocols = s.get(mandatory ? param::smtpd_tls_mandatory_protocols
                                : param::smtpd_tls_protocols);
  o.ciphers = s.get(mandatory ? param::smtpd_tls_mandatory_ciphers
                              : param::smtpd_tls_ciphers);
  o.exclude_ciphers = s.get(param::smtpd_tls_exclude_ciphers);
  if (mandatory) {
    o.exclude_ciphers +=
        " " + s.get(param::smtpd_tls_mandatory_exclude_ciphers);
  }
  o.preempt_cipherlist = s.get(param::tls_preempt_cipherlist);
  o.dh_file = s.get(param::smtpd_tls_dh1024_param_file);
  if (s.get(param::smtpd_tls_ask_ccert) || s.get(param::smtpd_tls_req_ccert)) {
    o.client_certificate = tls::ServerOptions::ClientCertificate::Ask;
  }
  o.verify_depth = static_cast<int>(s.get(param::smtpd_tls_ccert_verifydepth));
  o.session_timeout = s.get(param::smtpd_tls_session_cache_timeout).count();
  o.ticket_cipher = s.get(param::tls_session_ticket_cipher);
  o.session_tickets = o.session_timeout > 0 && !o.ticket_cipher.empty();
  o.session_cache = !s.get(param::smtpd_tls_session_cache_database).empty();
  o.always_issue_session_ids = s.get(param::smtpd_tls_always_issue_session_ids);
  return o;
}

Result<> load_tls(Config& c, const maps::OpenOptions& tables) {
  const auto& s = *c.settings;
  c.tls_wrapper = s.get(param::smtpd_tls_wrappermode);
  c.tls_level = tls_level(s);
  if (c.tls_wrapper) c.tls_level = TlsLevel::Encrypt;
  if (c.tls_level == TlsLevel::None) return {};
  c.tls_loglevel = static_cast<int>(
      parse_number<long>(s.get(param::smtpd_tls_loglevel)).value_or(0));
  c.tls_received_header = s.get(param::smtpd_tls_received_header);
  c.tls_require_cert = s.get(param::smtpd_tls_req_ccert);
  c.tls_ask_cert = c.tls_require_cert || s.get(param::smtpd_tls_ask_ccert);
  c.tls = TRY(tls::ServerContext::open(tls_options(s, c.tls_level)));
  for (const auto& problem : c.tls->problems()) log::warning(problem);
  c.tickets = std::make_unique<SharedTickets>(s);
  const std::string& sni = s.get(param::tls_server_sni_maps);
  if (sni.empty()) return {};
  c.sni = TRY(SniChains::open(sni, tables));
  c.tls->set_sni_lookup([chains = c.sni.get()](const std::string& name) {
    return chains->find(name);
  });
  return {};
}

Result<> load_sasl(Config& c, daemon::Context& context) {
  const auto& s = *c.settings;
  c.sasl = s.get(param::smtpd_sasl_auth_enable);
  if (!c.sasl) return {};
  if (s.get(param::smtpd_sasl_type) != "dovecot") {
    return fail(Fault::Config,
                fmt::format("unsupported SASL server implementation: {} "
                            "(smtpd_sasl_type): this version has dovecot",
                            s.get(param::smtpd_sasl_type)));
  }
  c.tls_auth_only = s.get(param::smtpd_tls_auth_only);
  c.broken_auth = s.get(param::broken_sasl_auth_clients);
  c.sasl_header = s.get(param::smtpd_sasl_authenticated_header);
  c.sasl_service = s.get(param::smtpd_sasl_service);
  c.sasl_options = TRY(
      auth::SecurityOptions::parse(s.get(param::smtpd_sasl_security_options)));
  c.sasl_tls_options = TRY(auth::SecurityOptions::parse(
      s.get(param::smtpd_sasl_tls_security_options)));
  c.auth = std::make_unique<auth::DovecotClient>(s.get(param::smtpd_sasl_path),
                                                 *context.tasks);
  return {};
}

Result<> load_milters(Config& c, const maps::OpenOptions& tables) {
  const auto& s = *c.settings;
  auto& defaults = c.milter_defaults;
  defaults.connect_timeout = s.get(param::milter_connect_timeout);
  defaults.command_timeout = s.get(param::milter_command_timeout);
  defaults.content_timeout = s.get(param::milter_content_timeout);
  defaults.default_action = s.get(param::milter_default_action);
  defaults.protocol = s.get(param::milter_protocol);
  if (c.use_milters) {
    c.milters =
        TRY(filters::parse_configs(s.get(param::smtpd_milters), defaults));
    c.milter_maps = TRY(maps::Tables::open(
        "smtpd_milter_maps", s.get(param::smtpd_milter_maps), tables));
  }
  const param::String lists[milter::kStages] = {
      param::milter_connect_macros,     param::milter_helo_macros,
      param::milter_mail_macros,        param::milter_rcpt_macros,
      param::milter_data_macros,        param::milter_end_of_header_macros,
      param::milter_end_of_data_macros, param::milter_unknown_command_macros};
  for (size_t i = 0; i < milter::kStages; ++i) {
    c.milter_macros[i] = milter::parse_macro_names(s.get(lists[i]));
  }
  c.milter_default_macros =
      TRY(filters::parse_macro_defaults(s.get(param::milter_macro_defaults)));
  c.milter_daemon_name = s.get(param::milter_macro_daemon_name);
  c.milter_v = s.get(param::milter_macro_v);
  dns::Resolver* resolver = c.resolver.get();
  c.milter_connector = filters::make_connector(
      [resolver](std::string host, net::Deadline deadline) {
        return filters::resolve_host(resolver, std::move(host), deadline);
      });
  return {};
}

void load_clients(Config& c) {
  const auto& s = *c.settings;
  auto timeout = s.get(param::ipc_timeout);
  c.anvil = std::make_unique<ipc::Client>(
      ipc::Client::Options{.path = "private/anvil",
                           .protocol = ipc::kAnvilProtocol,
                           .form = ipc::Form::Plain,
                           .idle = std::chrono::seconds(1000),
                           .timeout = timeout,
                           .kept = 64});
  c.cleanup = std::make_unique<ipc::Client>(ipc::Client::Options{
      .path = "public/" + s.get(param::cleanup_service_name),
      .timeout = timeout});
  c.flush = std::make_unique<ipc::Client>(
      ipc::Client::Options{.path = "public/" + s.get(param::flush_service_name),
                           .protocol = ipc::kFlushProtocol,
                           .timeout = timeout});
}

/// "host:port", "inet:host:port", "unix:path"; without a host it is this one.
Result<> load_proxy(Config& c, daemon::Context& context) {
  const auto& s = *c.settings;
  auto& proxy = c.proxy;
  proxy.endpoint = s.get(param::smtpd_proxy_filter);
  if (proxy.endpoint.empty()) return {};
  std::string_view place = proxy.endpoint;
  if (place.starts_with("unix:")) {
    proxy.connect_to = place;
  } else {
    if (place.starts_with("inet:")) place.remove_prefix(5);
    bool port_only = place.find(':') == std::string_view::npos;
    if (place.starts_with(':')) place.remove_prefix(1), port_only = true;
    proxy.connect_to =
        fmt::format("inet:{}{}", port_only ? "localhost:" : "", place);
  }
  proxy.ehlo = s.get(param::smtpd_proxy_ehlo);
  proxy.timeout = s.get(param::smtpd_proxy_timeout);
  for (auto word : split(s.get(param::smtpd_proxy_options))) {
    if (word != "speed_adjust") {
      return fail(Fault::Config,
                  fmt::format("unknown smtpd_proxy_options value: \"{}\" in "
                              "\"{}\"",
                              word, s.get(param::smtpd_proxy_options)));
    }
    proxy.speed_adjust = true;
    context.writes.emplace_back("incoming");  // a long message waits there
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Config>> load(daemon::Context& context) {
  auto c = std::make_unique<Config>();
  c->settings = context.settings;
  c->service = context.service;
  maps::OpenOptions tables = daemon::table_options(context);
  load_limits(*c);
  load_counts(*c);
  TRY(load_lists(*c, tables));
  TRY(load_notices(*c, tables));
  c->resolver = TRY(dns::Resolver::open());
  load_clients(*c);
  if (context.standalone) {
    settle_standalone(*c);
    c->restrictions = no_restrictions();
    return c;
  }
  TRY(load_proxy(*c, context));
  TRY(load_tls(*c, tables));
  TRY(load_sasl(*c, context));
  TRY(load_milters(*c, tables));
  c->rewrite = std::make_unique<RewriteClient>(*c->settings);
  c->restrictions =
      TRY(restriction::Restrictions::open(context, *c->resolver, *c->rewrite));
  return c;
}

}  // namespace mail::smtpd
