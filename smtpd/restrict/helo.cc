// Restrictions on the name that the client gives itself.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/config/postfix/networks.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

constexpr Subject kHelo = Subject::Helo;

// "[...]" that holds no address.
bool is_bad_literal(std::string_view name) {
  return name.starts_with('[') && !mime::is_domain_literal(name);
}

Outcome bad_literal(Run& run) {
  return reject(run, kHelo,
                run.site.settings.get(param::invalid_hostname_reject_code),
                "5.5.2", rejected(run, kHelo, "invalid ip address"));
}

Outcome naked_address(Run& run, const Item& item) {
  log::warning(
      fmt::format("restriction {} is deprecated. Use permit_mynetworks or "
                  "permit_sasl_authenticated instead",
                  item.name));
  if (!run.facts.helo || !net::IpAddress::parse(*run.facts.helo)) {
    return Outcome::Dunno;
  }
  return permit(run, item.kind->name);
}

Outcome invalid_name(Run& run, const Item&) {
  if (!run.facts.helo) return Outcome::Dunno;
  std::string_view name = *run.facts.helo;
  if (is_bad_literal(name)) return bad_literal(run);
  if (name.starts_with('[')) return Outcome::Dunno;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (net::IpAddress::parse(name) || config::is_host_name(name)) {
    return Outcome::Dunno;
  }
  return reject(run, kHelo,
                run.site.settings.get(param::invalid_hostname_reject_code),
                "5.5.2", rejected(run, kHelo, "Invalid name"));
}

Outcome helo_not_qualified(Run& run, const Item&) {
  if (!run.facts.helo) return Outcome::Dunno;
  std::string_view name = *run.facts.helo;
  if (is_bad_literal(name)) return bad_literal(run);
  if (name.starts_with('[')) return Outcome::Dunno;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (config::is_host_name(name) && name.find('.') != name.npos) {
    return Outcome::Dunno;
  }
  return reject(run, kHelo, run.site.settings.get(param::non_fqdn_reject_code),
                "5.5.2", rejected(run, kHelo, "need fully-qualified hostname"));
}

net::Task<Outcome> unknown_name(Run& run, const Item&) {
  if (!run.facts.helo) co_return Outcome::Dunno;
  const std::string& name = *run.facts.helo;
  if (is_bad_literal(name)) co_return bad_literal(run);
  if (name.starts_with('[')) co_return Outcome::Dunno;
  const auto& settings = run.site.settings;
  net::Deadline deadline =
      net::Deadline::in(settings.get(param::smtpd_timeout));
  // Not what looks like an address: only the DNS counts.
  dns::Answer answer;
  if (net::IpAddress::parse(name)) {
    answer = co_await run.site.resolver.lookup(name, dns::Type::A, deadline);
  } else {
    answer = co_await dns::addresses(run.site.resolver, name, run.site.families,
                                     deadline);
  }
  if (answer.found()) co_return Outcome::Dunno;
  auto mx = co_await dns::mx_hosts(run.site.resolver, name, deadline);
  if (mx.answer.found()) co_return Outcome::Dunno;
  if (answer.temporary() || mx.answer.temporary()) {
    co_return defer_by_action(
        run, settings.get(param::unknown_helo_hostname_tempfail_action), kHelo,
        "4.7.1", rejected(run, kHelo, "Host not found"));
  }
  co_return reject(run, kHelo,
                   settings.get(param::unknown_hostname_reject_code), "4.7.1",
                   rejected(run, kHelo, "Host not found"));
}

constexpr Kind kHeloKinds[] = {
    {.name = "permit_naked_ip_address", .now = naked_address},
    {.name = "reject_invalid_helo_hostname", .now = invalid_name},
    {.name = "reject_invalid_hostname", .now = invalid_name},
    {.name = "reject_non_fqdn_helo_hostname", .now = helo_not_qualified},
    {.name = "reject_non_fqdn_hostname", .now = helo_not_qualified},
    {.name = "reject_unknown_helo_hostname", .later = unknown_name},
    {.name = "reject_unknown_hostname", .later = unknown_name},
};

}  // namespace

std::span<const Kind> helo_kinds() { return kHeloKinds; }

}  // namespace mail::smtpd::restriction
