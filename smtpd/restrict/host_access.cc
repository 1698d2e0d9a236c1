// check_*_mx_access, _ns_access, _a_access: tables of the hosts behind a name.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

enum class Behind { Mx, Ns, Address };

std::string_view type_of(Behind what) {
  return what == Behind::Mx ? "MX" : what == Behind::Ns ? "NS" : "A";
}

// The domain of what the restriction is about; empty: none.
std::string domain_of(const Run& run, Subject subject) {
  const Facts& facts = run.facts;
  auto of_address = [](const std::optional<std::string>& address) {
    if (!address) return std::string();
    return std::string(mime::split_address(*address).domain.value_or(""));
  };
  switch (subject) {
    case Subject::Client:
      return facts.client.name == "unknown" ? "" : facts.client.name;
    case Subject::ReverseClient:
      return facts.client.reverse_name == "unknown" ? ""
                                                    : facts.client.reverse_name;
    case Subject::Helo:
      return facts.helo.value_or("");
    case Subject::Sender:
      return of_address(facts.sender);
    default:
      return of_address(facts.recipient);
  }
}

struct Hosts {
  std::vector<std::string> names;
  std::string error;  ///< not empty: could not look
};

net::Task<Hosts> hosts_behind(Run& run, std::string domain, Behind what,
                              net::Deadline deadline) {
  Hosts out;
  if (what == Behind::Address) {
    out.names.push_back(std::move(domain));
    co_return out;
  }
  if (what == Behind::Mx) {
    auto mx = co_await dns::mx_hosts(run.site.resolver, domain, deadline);
    for (auto& host : mx.hosts) out.names.push_back(std::move(host.name));
    bool none = mx.answer.status == dns::Status::NotFound ||
                mx.answer.status == dns::Status::NoData;
    if (none) {
      out.names.push_back(std::move(domain));
    } else if (!mx.answer.found() && mx.answer.status != dns::Status::NullMx) {
      out.error = dns::status_text(mx.answer.status);
    }
    co_return out;
  }
  // The name servers are the nearest parent zone's.
  std::string zone = domain;
  while (true) {
    auto answer =
        co_await run.site.resolver.lookup(zone, dns::Type::NS, deadline);
    for (auto& record : answer.records) {
      out.names.push_back(std::move(record.target));
    }
    size_t dot = zone.find('.');
    bool none = answer.status == dns::Status::NotFound ||
                answer.status == dns::Status::NoData;
    if (!none) {
      out.error = answer.found() ? "" : dns::status_text(answer.status);
      co_return out;
    }
    if (dot == std::string::npos) co_return out;
    zone.erase(0, dot + 1);
  }
}

net::Task<Outcome> look_up(Run& run, const Item& item,
                           std::vector<maps::Key> keys) {
  size_t at = 0;
  auto asked = keys;
  auto found = co_await item.table->find_first(std::move(asked), &at);
  if (!found) {
    co_return table_failed(run, item.kind->subject);
  }
  if (!*found) co_return Outcome::Dunno;
  Outcome out =
      co_await apply_action(run, (*found)->table->name(), keys[at].text,
                            (*found)->value, item.kind->subject);
  // An address that anyone can name must not open a door.
  if (out == Outcome::Permit) {
    log::warning(fmt::format("restriction {} returns OK for {}", item.name,
                             domain_of(run, item.kind->subject)));
    log::warning("this is not allowed for security reasons");
    log::warning("use DUNNO instead of OK if you want to make an exception");
    out = Outcome::Dunno;
  }
  co_return out;
}

void warn_of_host(Run& run, const Item& item, std::string_view host,
                  Behind what, const dns::Answer& answer) {
  std::string text = dns::native_error_text(answer);
  log::warning(fmt::format(
      "Unable to look up {} host {} for {} {}: {}", type_of(what), host,
      subject_class(item.kind->subject), domain_of(run, item.kind->subject),
      text.substr(text.rfind(": ") + 2)));
}

net::Task<Outcome> check_host(Run& run, const Item& item, std::string host,
                              Behind what, net::Deadline deadline) {
  Outcome out = Outcome::Dunno;
  if (what != Behind::Address) {
    out = co_await look_up(run, item,
                           maps::domain_keys(host, run.site.access_parents));
  }
  if (out != Outcome::Dunno) co_return out;
  auto answer = co_await dns::native_addresses(run.site.resolver, host,
                                               run.site.families, deadline);
  if (!answer.found()) {
    if (what != Behind::Address) warn_of_host(run, item, host, what, answer);
    co_return Outcome::Dunno;
  }
  for (const auto& record : answer.records) {
    out = co_await look_up(run, item,
                           maps::client_address_keys(record.address.text()));
    if (out != Outcome::Dunno) co_return out;
  }
  co_return Outcome::Dunno;
}

net::Task<Outcome> check_literal(Run& run, const Item& item,
                                 std::string_view domain) {
  std::string_view text = domain.substr(1, domain.find(']') - 1);
  if (istarts_with(text, "IPv6:")) text.remove_prefix(5);
  auto address = net::IpAddress::parse(text);
  if (!address) co_return Outcome::Dunno;
  Outcome out =
      co_await look_up(run, item, maps::client_address_keys(address->text()));
  co_return out;
}

net::Task<Outcome> check(Run& run, const Item& item, Behind what) {
  std::string domain = domain_of(run, item.kind->subject);
  while (domain.ends_with('.')) domain.pop_back();
  if (domain.empty()) co_return Outcome::Dunno;
  if (domain.starts_with('[')) {
    Outcome out = co_await check_literal(run, item, domain);
    co_return out;
  }
  if (net::IpAddress::parse(domain)) co_return Outcome::Dunno;
  net::Deadline deadline =
      net::Deadline::in(run.site.settings.get(param::smtpd_timeout));
  Hosts hosts = co_await hosts_behind(run, domain, what, deadline);
  if (!hosts.error.empty()) {
    log::warning(fmt::format("Unable to look up {} host for {}: {}",
                             type_of(what), domain, hosts.error));
    co_return Outcome::Dunno;
  }
  for (const auto& host : hosts.names) {
    Outcome out = co_await check_host(run, item, host, what, deadline);
    if (out != Outcome::Dunno) co_return out;
  }
  co_return Outcome::Dunno;
}

net::Task<Outcome> check_mx(Run& run, const Item& item) {
  Outcome out = co_await check(run, item, Behind::Mx);
  co_return out;
}
net::Task<Outcome> check_ns(Run& run, const Item& item) {
  Outcome out = co_await check(run, item, Behind::Ns);
  co_return out;
}
net::Task<Outcome> check_a(Run& run, const Item& item) {
  Outcome out = co_await check(run, item, Behind::Address);
  co_return out;
}

constexpr Kind kHostAccessKinds[] = {
    table_kind("check_client_mx_access", check_mx, Subject::Client),
    table_kind("check_client_ns_access", check_ns, Subject::Client),
    table_kind("check_client_a_access", check_a, Subject::Client),
    table_kind("check_reverse_client_hostname_mx_access", check_mx,
               Subject::ReverseClient),
    table_kind("check_reverse_client_hostname_ns_access", check_ns,
               Subject::ReverseClient),
    table_kind("check_reverse_client_hostname_a_access", check_a,
               Subject::ReverseClient),
    table_kind("check_helo_mx_access", check_mx, Subject::Helo),
    table_kind("check_helo_ns_access", check_ns, Subject::Helo),
    table_kind("check_helo_a_access", check_a, Subject::Helo),
    table_kind("check_sender_mx_access", check_mx, Subject::Sender),
    table_kind("check_sender_ns_access", check_ns, Subject::Sender),
    table_kind("check_sender_a_access", check_a, Subject::Sender),
    table_kind("check_recipient_mx_access", check_mx, Subject::Recipient),
    table_kind("check_recipient_ns_access", check_ns, Subject::Recipient),
    table_kind("check_recipient_a_access", check_a, Subject::Recipient),
};

}  // namespace

std::span<const Kind> host_access_kinds() { return kHostAccessKinds; }

}  // namespace mail::smtpd::restriction
