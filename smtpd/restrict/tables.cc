// check_client_access and its like: which keys are looked up.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace param = config::param;
namespace flag = ipc::resolve_flag;

namespace {

using Keys = std::vector<maps::Key>;

net::Task<Outcome> look_up(Run& run, const Item& item, Keys keys,
                           Subject subject) {
  size_t at = 0;
  std::vector<maps::Key> asked = keys;
  auto found = co_await item.table->find_first(std::move(asked), &at);
  if (!found) {
    co_return table_failed(run, subject);
  }
  if (!*found) co_return Outcome::Dunno;
  Outcome out = co_await apply_action(run, (*found)->table->name(),
                                      keys[at].text, (*found)->value, subject);
  co_return out;
}

Keys client_keys(Run& run, const std::string& name) {
  Keys keys = maps::domain_keys(name, run.site.access_parents);
  for (auto& key : maps::client_address_keys(run.facts.client.address_text)) {
    keys.push_back(std::move(key));
  }
  return keys;
}

net::Task<Outcome> check_client(Run& run, const Item& item) {
  bool reverse = item.kind->subject == Subject::ReverseClient;
  const auto& client = run.facts.client;
  Outcome out = co_await look_up(
      run, item, client_keys(run, reverse ? client.reverse_name : client.name),
      item.kind->subject);
  co_return out;
}

net::Task<Outcome> check_domain(Run& run, const Item& item) {
  bool helo = item.kind->subject == Subject::Helo;
  const std::string& name =
      helo ? run.facts.helo.value_or("") : run.facts.etrn_domain;
  std::string domain = name;
  if (domain.empty()) co_return Outcome::Dunno;
  Outcome out = co_await look_up(
      run, item, maps::domain_keys(domain, run.site.access_parents),
      item.kind->subject);
  co_return out;
}

Keys null_keys(Run& run) {
  return {{run.site.settings.get(param::smtpd_null_access_lookup_key),
           maps::KeyKind::Whole}};
}

net::Task<Outcome> check_address(Run& run, const Item& item) {
  Subject subject = item.kind->subject;
  const auto& address =
      subject == Subject::Sender ? run.facts.sender : run.facts.recipient;
  if (!address) co_return Outcome::Dunno;
  Keys keys;
  int flags = 0;
  if (address->empty()) {
    keys = null_keys(run);
  } else {
    auto reply = co_await route(run, subject);
    if (!reply || (reply->flags & flag::kFail)) {
      co_return lookup_failed(run, subject);
    }
    flags = reply->flags;
    keys = maps::access_address_keys(reply->recipient, run.site.delimiters,
                                     run.site.access_parents);
  }
  Outcome out = co_await look_up(run, item, std::move(keys), subject);
  // Who writes user%elsewhere@here must not be let through by our entry.
  bool routed = (flags & flag::kRouted) &&
                !run.site.settings.get(param::allow_untrusted_routing);
  if (out == Outcome::Permit && subject == Subject::Recipient && routed) {
    co_return Outcome::Dunno;
  }
  co_return out;
}

net::Task<Outcome> check_certificate(Run& run, const Item& item) {
  const auto* tls = run.facts.tls;
  if (!tls || !tls->has_certificate) co_return Outcome::Dunno;
  Keys keys;
  std::string_view order = item.argument;
  size_t equals = order.find('=');
  order = equals == order.npos ? "cert_fingerprint, pubkey_fingerprint"
                               : order.substr(equals + 1);
  for (auto name : split(order)) {
    if (iequals(name, "cert_fingerprint")) {
      keys.push_back({tls->certificate_fingerprint});
    } else if (iequals(name, "pubkey_fingerprint")) {
      keys.push_back({tls->key_fingerprint});
    } else if (iequals(name, "certificate_fingerprint")) {
      keys.push_back({tls->certificate_fingerprint});
    } else if (iequals(name, "public_key_fingerprint")) {
      keys.push_back({tls->key_fingerprint});
    }
  }
  Outcome out = co_await look_up(run, item, std::move(keys), Subject::Ccert);
  co_return out;
}

net::Task<Outcome> check_login(Run& run, const Item& item) {
  if (!run.site.settings.get(param::smtpd_sasl_auth_enable)) {
    log::warning(
        fmt::format("restriction `{}' ignored: no SASL support", item.name));
    co_return Outcome::Dunno;
  }
  if (run.facts.sasl_username.empty()) co_return Outcome::Dunno;
  Keys keys;
  keys.push_back({run.facts.sasl_username});
  Outcome out = co_await look_up(run, item, std::move(keys), Subject::Sasl);
  co_return out;
}

constexpr Kind kAccessKinds[] = {
    table_kind("check_client_access", check_client, Subject::Client),
    table_kind("check_reverse_client_hostname_access", check_client,
               Subject::ReverseClient),
    table_kind("check_helo_access", check_domain, Subject::Helo),
    table_kind("check_sender_access", check_address, Subject::Sender),
    table_kind("check_recipient_access", check_address, Subject::Recipient),
    table_kind("check_etrn_access", check_domain, Subject::Etrn),
    table_kind("check_ccert_access", check_certificate, Subject::Ccert),
    table_kind("check_sasl_access", check_login, Subject::Sasl),
};

}  // namespace

std::span<const Kind> access_kinds() { return kAccessKinds; }

}  // namespace mail::smtpd::restriction
