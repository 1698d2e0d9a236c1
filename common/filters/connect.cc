#include "common/filters/connect.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/dns/lookups.h"
#include "common/net/listener.h"

namespace mail::filters {

namespace {

struct HostPort {
  std::string host;
  uint16_t port = 0;
};

Result<HostPort> split_host(std::string_view text, std::string_view whole) {
  size_t colon = text.rfind(':');
  auto port = colon == std::string_view::npos
                  ? std::nullopt
                  : parse_number<uint16_t>(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (!port || host.empty()) {
    return fail(Fault::Config,
                fmt::format("bad host or port in Milter service: {}", whole));
  }
  return HostPort{std::string(host), *port};
}

net::Task<Result<UniqueFd>> connect_inet(std::string rest, std::string whole,
                                         net::Deadline deadline,
                                         HostLookup lookup) {
  auto place = CO_TRY(split_host(rest, whole));
  std::vector<net::IpAddress> addresses;
  if (auto literal = net::IpAddress::parse(place.host)) {
    addresses = {*literal};
  } else if (iequals(place.host, "localhost")) {
    addresses = {*net::IpAddress::parse("127.0.0.1"),
                 *net::IpAddress::parse("::1")};
  } else {
    auto task = lookup(place.host, deadline);
    auto found = co_await task;
    addresses = CO_TRY(found);
  }
  Result<UniqueFd> result = fail(Fault::Temporary, "host not found");
  for (const auto& address : addresses) {
    net::Endpoint where;
    where.address = address;
    where.port = place.port;
    auto attempt = co_await net::connect_to(where, deadline);
    if (attempt) co_return attempt;
    // The first family's answer tells more: filters listen there by default.
    if (&address == &addresses.front()) result = std::move(attempt);
  }
  co_return result;
}

net::Task<Result<UniqueFd>> connect(std::string endpoint,
                                    net::Deadline deadline, HostLookup lookup) {
  size_t colon = endpoint.find(':');
  if (colon == std::string::npos) {
    co_return fail(Fault::Config,
                   fmt::format("Milter service needs transport:endpoint "
                               "instead of \"{}\"",
                               endpoint));
  }
  std::string transport = endpoint.substr(0, colon);
  std::string rest = endpoint.substr(colon + 1);
  if (transport == "unix" || transport == "local") {
    auto fd = co_await net::connect_unix(rest, deadline);
    co_return fd;
  }
  if (transport == "inet") {
    auto fd = co_await connect_inet(rest, endpoint, deadline, lookup);
    co_return fd;
  }
  co_return fail(Fault::Config,
                 fmt::format("invalid transport name: {} in Milter service: {}",
                             transport, endpoint));
}

}  // namespace

Connector make_connector(HostLookup lookup) {
  return [lookup = std::move(lookup)](std::string endpoint,
                                      net::Deadline deadline) {
    return connect(std::move(endpoint), deadline, lookup);
  };
}

net::Task<Result<std::vector<net::IpAddress>>> resolve_host(
    dns::Resolver* resolver, std::string host, net::Deadline deadline) {
  auto answer = co_await dns::native_addresses(*resolver, std::move(host),
                                               dns::Families::Both, deadline);
  if (!answer.found()) {
    co_return fail(Fault::Temporary, dns::native_error_text(answer));
  }
  std::vector<net::IpAddress> out;
  for (const auto& record : answer.records) out.push_back(record.address);
  co_return out;
}

}  // namespace mail::filters
