// Restrictions on who the client is.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "smtpd/restrict/kinds.h"
#include "smtpd/restrict/local_clients.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

Outcome mynetworks(Run& run, const Item& item) {
  if (!run.facts.client.in_mynetworks) return Outcome::Dunno;
  return permit(run, item.kind->name);
}

Outcome inet_interfaces(Run& run, const Item& item) {
  const auto& client = run.facts.client;
  if (client.address_text == "unknown") return Outcome::Dunno;
  if (!run.site.is_own(client.address)) return Outcome::Dunno;
  return permit(run, item.kind->name);
}

Outcome sasl_authenticated(Run& run, const Item& item) {
  if (run.facts.sasl_username.empty() && run.facts.sasl_method.empty()) {
    return Outcome::Dunno;
  }
  return permit(run, item.kind->name);
}

net::Task<Outcome> tls_clientcerts(Run& run, const Item& item) {
  auto listed = co_await has_listed_certificate(run.site, run.facts);
  if (!listed) co_return lookup_failed(run, Subject::Client);
  co_return *listed ? permit(run, item.kind->name) : Outcome::Dunno;
}

Outcome tls_all_clientcerts(Run& run, const Item& item) {
  const auto* tls = run.facts.tls;
  bool trusted = tls && tls->trust >= tls::Trust::Trusted;
  return trusted ? permit(run, item.kind->name) : Outcome::Dunno;
}

long name_code(Run& run, NameStatus status) {
  if (status == NameStatus::Temporary) return 450;
  return run.site.settings.get(param::unknown_client_reject_code);
}

Outcome unknown_client(Run& run, const Item&) {
  const auto& client = run.facts.client;
  if (client.name_status == NameStatus::Ok) return Outcome::Dunno;
  return reject(run, Subject::Client, name_code(run, client.name_status),
                "4.7.25",
                fmt::format("Client host rejected: cannot find your hostname, "
                            "[{}]",
                            client.address_text));
}

Outcome unknown_reverse(Run& run, const Item&) {
  const auto& client = run.facts.client;
  if (client.reverse_status == NameStatus::Ok) return Outcome::Dunno;
  return reject(run, Subject::Client, name_code(run, client.reverse_status),
                "4.7.1",
                fmt::format("Client host rejected: cannot find your reverse "
                            "hostname, [{}]",
                            client.address_text));
}

constexpr Kind kClientKinds[] = {
    {.name = "permit_mynetworks", .now = mynetworks},
    {.name = "permit_inet_interfaces", .now = inet_interfaces},
    {.name = "permit_sasl_authenticated", .now = sasl_authenticated},
    {.name = "permit_tls_clientcerts", .later = tls_clientcerts},
    {.name = "permit_tls_all_clientcerts", .now = tls_all_clientcerts},
    {.name = "reject_unknown_client_hostname", .now = unknown_client},
    {.name = "reject_unknown_client", .now = unknown_client},
    {.name = "reject_unknown_reverse_client_hostname", .now = unknown_reverse},
};

}  // namespace

std::span<const Kind> client_kinds() { return kClientKinds; }

}  // namespace mail::smtpd::restriction
