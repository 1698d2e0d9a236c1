// Whether the domains of addresses are whole, and exist.
#include <fmt/format.h>

#include "common/config/postfix/networks.h"
#include "common/mime/address.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace param = config::param;
namespace flag = ipc::resolve_flag;

namespace {

constexpr int kOurs = flag::kLocal | flag::kAlias | flag::kVirtual;

const std::optional<std::string>& address_of(const Run& run, Subject subject) {
  return subject == Subject::Sender ? run.facts.sender : run.facts.recipient;
}

Outcome not_qualified(Run& run, const Item& item) {
  Subject subject = item.kind->subject;
  const auto& address = address_of(run, subject);
  if (!address || address->empty()) return Outcome::Dunno;
  auto parts = mime::split_address(*address);
  std::string_view domain = parts.domain.value_or("");
  if (domain.ends_with('.')) domain.remove_suffix(1);
  bool whole =
      mime::is_domain_literal(domain) ||
      (config::is_host_name(domain) && domain.find('.') != domain.npos);
  if (whole) return Outcome::Dunno;
  return reject(run, subject,
                run.site.settings.get(param::non_fqdn_reject_code), "5.5.2",
                rejected(run, subject, "need fully-qualified address"));
}

std::string_view not_found_status(Subject subject) {
  return subject == Subject::Sender ? "4.1.8" : "4.1.2";
}

Outcome null_mx(Run& run, Subject subject, std::string_view domain) {
  bool sender = subject == Subject::Sender;
  return reject(
      run, subject, sender ? 550 : 556, sender ? "5.7.27" : "5.1.10",
      rejected(run, subject,
               fmt::format("Domain {} does not accept mail (nullMX)", domain)));
}

net::Task<Outcome> look_up(Run& run, Subject subject, std::string domain) {
  const auto& settings = run.site.settings;
  net::Deadline deadline =
      net::Deadline::in(settings.get(param::smtpd_timeout));
  auto mx = co_await dns::mx_hosts(run.site.resolver, domain, deadline);
  if (mx.answer.found()) co_return Outcome::Dunno;
  if (mx.answer.status == dns::Status::NullMx) {
    co_return null_mx(run, subject, domain);
  }
  auto host = co_await dns::addresses(run.site.resolver, domain,
                                      run.site.families, deadline);
  if (host.found()) co_return Outcome::Dunno;
  std::string_view status = not_found_status(subject);
  if (mx.answer.status == dns::Status::Malformed) {
    co_return reject(run, subject,
                     settings.get(param::unknown_address_reject_code), status,
                     rejected(run, subject, "Malformed DNS server reply"));
  }
  std::string text = rejected(run, subject, "Domain not found");
  if (mx.answer.temporary() || host.temporary()) {
    co_return defer_by_action(
        run, settings.get(param::unknown_address_tempfail_action), subject,
        status, std::move(text));
  }
  co_return reject(run, subject,
                   settings.get(param::unknown_address_reject_code), status,
                   std::move(text));
}

net::Task<Outcome> unknown_domain(Run& run, const Item& item) {
  Subject subject = item.kind->subject;
  const auto& address = address_of(run, subject);
  if (!address || address->empty()) co_return Outcome::Dunno;
  auto reply = co_await route(run, subject);
  if (!reply || (reply->flags & flag::kFail)) {
    co_return lookup_failed(run, subject);
  }
  // Domains of our own need not be in the DNS.
  if (reply->flags & kOurs) co_return Outcome::Dunno;
  auto parts = mime::split_address(reply->recipient);
  if (!parts.domain || parts.domain->starts_with('[')) {
    co_return Outcome::Dunno;
  }
  Outcome out = co_await look_up(run, subject, std::string(*parts.domain));
  co_return out;
}

constexpr Kind kDomainKinds[] = {
    {.name = "reject_non_fqdn_sender",
     .now = not_qualified,
     .subject = Subject::Sender},
    {.name = "reject_non_fqdn_recipient",
     .now = not_qualified,
     .subject = Subject::Recipient},
    {.name = "reject_unknown_sender_domain",
     .later = unknown_domain,
     .subject = Subject::Sender},
    {.name = "reject_unknown_recipient_domain",
     .later = unknown_domain,
     .subject = Subject::Recipient},
    {.name = "reject_unknown_address",
     .later = unknown_domain,
     .subject = Subject::Sender},
};

}  // namespace

std::span<const Kind> domain_kinds() { return kDomainKinds; }

}  // namespace mail::smtpd::restriction
