// Where mail may go: relay protection and backup mail exchangers.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace param = config::param;
namespace flag = ipc::resolve_flag;

namespace {

constexpr Subject kRecipient = Subject::Recipient;
constexpr int kFinal = flag::kLocal | flag::kAlias | flag::kVirtual;

// Whether we are a destination of the recipient's domain, or a relay for it.
enum class Destination { Authorized, Foreign, Unknown };

net::Task<Destination> destination(Run& run) {
  if (!run.facts.recipient || run.facts.recipient->empty()) {
    co_return Destination::Authorized;
  }
  auto reply = co_await route(run, kRecipient);
  if (!reply || (reply->flags & flag::kFail)) co_return Destination::Unknown;
  // A name without a domain is ours.
  if (reply->recipient.find('@') == std::string::npos) {
    co_return Destination::Authorized;
  }
  bool routed = (reply->flags & flag::kRouted) &&
                !run.site.settings.get(param::allow_untrusted_routing);
  if (routed || !(reply->flags & (kFinal | flag::kRelay))) {
    co_return Destination::Foreign;
  }
  co_return Destination::Authorized;
}

net::Task<Outcome> permit_auth(Run& run, const Item& item) {
  Destination where = co_await destination(run);
  if (where == Destination::Unknown) co_return lookup_failed(run, kRecipient);
  if (where == Destination::Foreign) co_return Outcome::Dunno;
  co_return permit(run, item.kind->name);
}

net::Task<Outcome> refuse_foreign(Run& run, long code) {
  Destination where = co_await destination(run);
  if (where == Destination::Unknown) co_return lookup_failed(run, kRecipient);
  if (where == Destination::Authorized) co_return Outcome::Dunno;
  co_return reject(
      run, kRecipient, code, "5.7.1",
      fmt::format("{}: Relay access denied", subject_name(run, kRecipient)));
}

net::Task<Outcome> reject_unauth(Run& run, const Item&) {
  Outcome out = co_await refuse_foreign(
      run, run.site.settings.get(param::relay_domains_reject_code));
  co_return out;
}

net::Task<Outcome> defer_unauth(Run& run, const Item&) {
  Outcome out = co_await refuse_foreign(
      run, run.site.settings.get(param::relay_domains_reject_code) - 100);
  co_return out;
}

net::Task<Outcome> relay_domains(Run& run, const Item& item) {
  log::warning(fmt::format(
      "support for restriction \"{}\" will be removed from Postfix; use "
      "\"reject_unauth_destination\" instead",
      item.name));
  Outcome out = co_await reject_unauth(run, item);
  co_return out == Outcome::Dunno ? permit(run, item.kind->name) : out;
}

Outcome cannot_tell(Run& run, std::string_view what) {
  return defer_if_permit(run, kRecipient, 450, "4.4.4",
                         rejected(run, kRecipient, what));
}

// Whether one of the hosts is this machine. nullopt: could not look.
net::Task<std::optional<bool>> has_own_address(Run& run, const dns::MxHosts& mx,
                                               net::Deadline deadline) {
  bool unsure = false;
  for (const auto& host : mx.hosts) {
    auto answer = co_await dns::native_addresses(run.site.resolver, host.name,
                                                 run.site.families, deadline);
    unsure = unsure || answer.temporary();
    for (const auto& record : answer.records) {
      if (run.site.is_own(record.address)) co_return true;
    }
  }
  if (unsure) co_return std::nullopt;
  co_return false;
}

// Whether all of the best hosts are in permit_mx_backup_networks.
net::Task<std::optional<bool>> primaries_allowed(Run& run,
                                                 const dns::MxHosts& mx,
                                                 net::Deadline deadline) {
  for (const auto& host : mx.hosts) {
    if (host.preference != mx.hosts[0].preference) break;
    auto answer = co_await dns::native_addresses(run.site.resolver, host.name,
                                                 run.site.families, deadline);
    if (answer.temporary()) co_return std::nullopt;
    for (const auto& record : answer.records) {
      auto matched = co_await run.site.mx_backup_networks.match(
          "unknown", record.address.text());
      if (!matched) co_return std::nullopt;
      if (!*matched) co_return false;
    }
  }
  co_return true;
}

net::Task<Outcome> permit_backup(Run& run, const Item& item) {
  Destination where = co_await destination(run);
  if (where == Destination::Unknown) co_return lookup_failed(run, kRecipient);
  if (where == Destination::Authorized) co_return permit(run, item.kind->name);
  if (run.recipient_route->flags & flag::kRouted) co_return Outcome::Dunno;
  auto parts = mime::split_address(run.recipient_route->recipient);
  if (!parts.domain || parts.domain->starts_with('[')) {
    co_return Outcome::Dunno;
  }
  net::Deadline deadline =
      net::Deadline::in(run.site.settings.get(param::smtpd_timeout));
  auto mx = co_await dns::mx_hosts(run.site.resolver,
                                   std::string(*parts.domain), deadline);
  if (mx.answer.temporary()) {
    co_return cannot_tell(run, "Unable to look up mail exchanger information");
  }
  if (mx.hosts.empty()) co_return Outcome::Dunno;
  auto ours = co_await has_own_address(run, mx, deadline);
  if (!ours)
    co_return cannot_tell(run, "Unable to look up mail exchanger host");
  if (!*ours) co_return Outcome::Dunno;
  if (!run.site.mx_backup_networks.empty()) {
    auto allowed = co_await primaries_allowed(run, mx, deadline);
    if (!allowed) {
      co_return cannot_tell(run, "Unable to look up mail exchanger host");
    }
    if (!*allowed) co_return Outcome::Dunno;
  }
  co_return permit(run, item.kind->name);
}

constexpr Kind kRecipientKinds[] = {
    {.name = "permit_auth_destination", .later = permit_auth},
    {.name = "reject_unauth_destination", .later = reject_unauth},
    {.name = "defer_unauth_destination", .later = defer_unauth},
    {.name = "check_relay_domains", .later = relay_domains},
    {.name = "permit_mx_backup", .later = permit_backup},
};

}  // namespace

std::span<const Kind> recipient_kinds() { return kRecipientKinds; }

}  // namespace mail::smtpd::restriction
