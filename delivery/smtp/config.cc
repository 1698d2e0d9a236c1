#include "delivery/smtp/config.h"

#include <fmt/format.h>
#include <ifaddrs.h>

#include "common/base/ascii.h"
#include "common/base/handle.h"
#include "common/base/number.h"
#include "common/config/postfix/params.h"
#include "common/daemon/tables.h"
#include "common/log/log.h"

namespace mail::smtpc {

namespace client = config::param::client;
namespace param = config::param;

namespace {

size_t count_of(const Config& c, param::Pair<param::Int> p) {
  return static_cast<size_t>(std::max(0L, c.settings->get(p, c.mode)));
}

void load_times(Config& c) {
  const auto& s = *c.settings;
  c.connect_timeout = s.get(client::connect_timeout, c.mode);
  c.helo_timeout = s.get(client::helo_timeout, c.mode);
  c.starttls_timeout = s.get(client::starttls_timeout, c.mode);
  c.mail_timeout = s.get(client::mail_timeout, c.mode);
  c.xforward_timeout = s.get(client::xforward_timeout, c.mode);
  c.rcpt_timeout = s.get(client::rcpt_timeout, c.mode);
  c.data_init_timeout = s.get(client::data_init_timeout, c.mode);
  c.data_xfer_timeout = s.get(client::data_xfer_timeout, c.mode);
  c.data_done_timeout = s.get(client::data_done_timeout, c.mode);
  c.rset_timeout = s.get(client::rset_timeout, c.mode);
  c.quit_timeout = s.get(client::quit_timeout, c.mode);
}

std::vector<net::IpAddress> own_addresses() {
  std::vector<net::IpAddress> out;
  ifaddrs* raw = nullptr;
  if (getifaddrs(&raw) != 0) return out;
  Handle<ifaddrs, freeifaddrs> list(raw);
  for (ifaddrs* at = raw; at; at = at->ifa_next) {
    if (!at->ifa_addr) continue;
    if (auto ip = net::IpAddress::from_sockaddr(at->ifa_addr)) {
      out.push_back(*ip);
    }
  }
  return out;
}

void load_network(Config& c) {
  const auto& s = *c.settings;
  c.address_limit = count_of(c, client::mx_address_limit);
  c.session_limit = count_of(c, client::mx_session_limit);
  c.skip_5xx_greeting = s.get(client::skip_5xx_greeting, c.mode);
  c.skip_quit_response = s.get(client::skip_quit_response, c.mode);
  c.randomize = s.get(client::randomize_addresses, c.mode);
  c.address_preference = s.get(client::address_preference, c.mode);
  std::string support = s.get(client::dns_support_level, c.mode);
  c.dns_lookups = support.empty() ? !s.get(param::disable_dns_lookups)
                                  : support != "disabled";
  for (auto word : split(s.get(client::host_lookup, c.mode))) {
    if (word == "native") c.lookup_native = true;
  }
  if (!c.dns_lookups) c.lookup_native = true;
  std::string protocols = s.get(param::inet_protocols);
  bool v4 = false, v6 = false;
  for (auto word : split(protocols)) {
    v4 = v4 || word == "ipv4" || word == "all";
    v6 = v6 || word == "ipv6" || word == "all";
  }
  c.families = v4 && v6 ? dns::Families::Both
               : v6     ? dns::Families::V6
                        : dns::Families::V4;
  c.bind_v4 = net::IpAddress::parse(s.get(client::bind_address, c.mode));
  c.bind_v6 = net::IpAddress::parse(s.get(client::bind_address6, c.mode));
  c.own_addresses = own_addresses();
  for (auto text : split(s.get(param::proxy_interfaces))) {
    if (auto ip = net::IpAddress::parse(text)) c.own_addresses.push_back(*ip);
  }
  c.fallback_relay = s.get(client::fallback_relay, c.mode);
  c.relayhost = s.get(param::relayhost);
  c.balance_families = s.get(client::balance_inet_protocols, c.mode);
  c.defer_without_mx_address =
      s.get(client::defer_if_no_mx_address_found, c.mode);
  c.discard_keywords = s.get(client::discard_ehlo_keywords, c.mode);
  c.pix.workarounds = s.get(client::pix_workarounds, c.mode);
  c.pix.threshold = s.get(client::pix_workaround_threshold_time, c.mode);
  c.pix.delay = s.get(client::pix_workaround_delay_time, c.mode);
  c.probe_with_data = s.get(client::address_verify_target, c.mode) == "data";
  c.dummy_mail_auth = s.get(client::send_dummy_mail_auth, c.mode);
  c.cache_on_demand = s.get(client::connection_cache_on_demand, c.mode);
  c.cache_time = s.get(client::connection_cache_time_limit, c.mode);
  c.reuse_time = s.get(client::connection_reuse_time_limit, c.mode);
  c.reuse_count = count_of(c, client::connection_reuse_count_limit);
}

tls::ClientOptions tls_options(const Config& c) {
  const auto& s = *c.settings;
  tls::ClientOptions o;
  o.certificates.pairs = {{s.get(client::tls_cert_file, c.mode),
                           s.get(client::tls_key_file, c.mode)},
                          {s.get(client::tls_eccert_file, c.mode),
                           s.get(client::tls_eckey_file, c.mode)}};
  for (auto file : split(s.get(client::tls_chain_files, c.mode))) {
    o.certificates.chain_files.emplace_back(file);
  }
  o.ca_file = s.get(client::tls_CAfile, c.mode);
  o.ca_path = s.get(client::tls_CApath, c.mode);
  o.append_default_ca = s.get(param::tls_append_default_CA);
  o.fingerprint_digest = s.get(client::tls_fingerprint_digest, c.mode);
  o.cipher_lists.high = s.get(param::tls_high_cipherlist);
  o.cipher_lists.medium = s.get(param::tls_medium_cipherlist);
  o.eecdh_curves = s.get(param::tls_eecdh_auto_curves);
  o.verify_depth =
      static_cast<int>(s.get(client::tls_scert_verifydepth, c.mode));
  o.wildcards_match_several_labels =
      s.get(param::tls_wildcard_matches_multiple_labels);
  return o;
}

Result<> load_security(Config& c, const maps::OpenOptions& tables) {
  const auto& s = *c.settings;
  c.tls_policies = TRY(TlsPolicies::open(s, c.mode, tables));
  c.tls_loglevel = static_cast<int>(
      parse_number<long>(s.get(client::tls_loglevel, c.mode)).value_or(0));
  if (c.tls_policies->used()) {
    c.tls = TRY(tls::ClientContext::open(tls_options(c)));
    for (const auto& problem : c.tls->problems()) log::warning(problem);
  }
  c.wrappermode = s.get(client::tls_wrappermode, c.mode);
  c.note_starttls = s.get(client::tls_note_starttls_offer, c.mode);
  if (c.tls && !s.get(client::tls_session_cache_database, c.mode).empty()) {
    c.tls_sessions = std::make_unique<TlsSessions>(
        s, c.mode == ClientMode::Lmtp ? "lmtp" : "smtp");
  }
  c.sasl = s.get(client::sasl_auth_enable, c.mode);
  if (!c.sasl) return {};
  const std::string& type = s.get(client::sasl_type, c.mode);
  if (type != "cyrus") {
    return fail(
        Fault::Config,
        fmt::format("unsupported SASL client implementation: {}", type));
  }
  c.passwords = TRY(
      maps::Tables::open("smtp_sasl_password_maps",
                         s.get(client::sasl_password_maps, c.mode), tables));
  c.sasl_soft_bounce = s.get(client::sasl_auth_soft_bounce, c.mode);
  c.sender_dependent = c.mode == ClientMode::Smtp &&
                       s.get(param::smtp_sender_dependent_authentication);
  c.sasl_options = TRY(auth::SecurityOptions::parse(
      s.get(client::sasl_security_options, c.mode)));
  c.sasl_tls_options = TRY(auth::SecurityOptions::parse(
      s.get(client::sasl_tls_security_options, c.mode)));
  c.sasl_tls_verified_options = TRY(auth::SecurityOptions::parse(
      s.get(client::sasl_tls_verified_security_options, c.mode)));
  maps::MatchList::Options list;
  list.kind = maps::ListKind::String;
  list.tables = tables;
  c.mechanism_filter = maps::MatchList::open(
      c.mode == ClientMode::Smtp ? "smtp_sasl_mechanism_filter"
                                 : "lmtp_sasl_mechanism_filter",
      s.get(client::sasl_mechanism_filter, c.mode), list);
  c.send_authzid = s.get(param::send_cyrus_sasl_authzid);
  constexpr std::string_view kProxy = "proxy:";
  const std::string& cache = s.get(client::sasl_auth_cache_name, c.mode);
  if (cache.empty()) return {};
  if (!cache.starts_with(kProxy)) {
    return fail(Fault::Config,
                fmt::format("SASL authentication cache name \"{}\" must start "
                            "with \"proxy:",
                            cache));
  }
  c.login_cache = std::make_unique<LoginCache>(
      tables.proxy_writer, cache.substr(kProxy.size()),
      s.get(client::sasl_auth_cache_time, c.mode));
  return {};
}

Result<> load_tables(Config& c, const maps::OpenOptions& tables) {
  const auto& s = *c.settings;
  std::string prefix = c.mode == ClientMode::Smtp ? "smtp_" : "lmtp_";
  auto open = [&](maps::Tables& into, const char* name,
                  param::Pair<param::String> p) -> Result<> {
    into = TRY(maps::Tables::open(prefix + name, s.get(p, c.mode), tables));
    return {};
  };
  TRY(open(c.discard_maps, "discard_ehlo_keyword_address_maps",
           client::discard_ehlo_keyword_address_maps));
  TRY(open(c.pix_maps, "pix_workaround_maps", client::pix_workaround_maps));
  TRY(open(c.reply_filter, "reply_filter", client::reply_filter));
  if (!c.reply_filter.local()) {
    log::warning(prefix +
                 "reply_filter: proxy: and other remote tables are not asked");
  }
  maps::MatchList::Options list;
  list.kind = maps::ListKind::String;
  list.tables = tables;
  c.cache_destinations = maps::MatchList::open(
      prefix + "connection_cache_destinations",
      s.get(client::connection_cache_destinations, c.mode), list);
  c.generic = TRY(GenericMaps::open(s, c.mode, tables));
  c.checks = TRY(Checks::open(s, c.mode, tables));
  return {};
}

Result<> load_flags(Config& c, const daemon::Context& context) {
  for (const auto& argument : context.arguments) {
    if (!argument.starts_with("flags=")) {
      return fail(
          Fault::Config,
          fmt::format("unexpected command-line argument: {}", argument));
    }
    for (char flag : argument.substr(6)) {
      switch (flag) {
        case 'D':
          c.add_delivered_to = true;
          break;
        case 'O':
          c.add_original_to = true;
          break;
        case 'R':
          c.add_return_path = true;
          break;
        case 'X':
          c.final_delivery = true;
          break;
        default:
          return fail(Fault::Config, fmt::format("unknown flag: {}", flag));
      }
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Config>> load(daemon::Context& context) {
  auto c = std::make_unique<Config>();
  c->settings = context.settings;
  const auto& s = *c->settings;
  c->process = context.process;
  c->mode = context.process == "lmtp" ? ClientMode::Lmtp : ClientMode::Smtp;
  c->host = s.get(param::myhostname);
  c->helo_name = s.get(client::helo_name, c->mode);
  c->default_port = c->mode == ClientMode::Lmtp ? s.get(param::lmtp_tcp_port)
                                                : s.get(param::smtp_tcp_port);
  c->limits.protocol =
      c->mode == ClientMode::Lmtp ? smtp::Protocol::Lmtp : smtp::Protocol::Smtp;
  c->limits.line_length = count_of(*c, client::line_length_limit);
  c->limits.quote_envelope = s.get(client::quote_rfc821_envelope, c->mode);
  c->send_xforward = s.get(client::send_xforward_command, c->mode);
  if (c->mode == ClientMode::Lmtp) {
    // Its servers are the last, whether they say DSN or not.
    c->final_delivery = s.get(param::lmtp_assume_final);
  }
  if (c->mode == ClientMode::Smtp) {
    c->always_ehlo = s.get(param::smtp_always_send_ehlo);
    c->never_ehlo = s.get(param::smtp_never_send_ehlo);
  }
  load_times(*c);
  load_network(*c);
  TRY(load_flags(*c, context));
  maps::OpenOptions tables = daemon::table_options(context);
  TRY(load_security(*c, tables));
  TRY(load_tables(*c, tables));
  c->convert_8bit = !s.get(param::disable_mime_output_conversion);
  c->resolver = TRY(dns::Resolver::open());
  return c;
}

}  // namespace mail::smtpc
