#include "delivery/smtp/servers.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "common/base/ascii.h"
#include "common/log/log.h"

namespace mail::smtpc {

namespace {

constexpr std::chrono::seconds kLookupTime{60};
constexpr uint16_t kSmtpPort = 25;

std::string_view dns_status(dns::Status status) {
  switch (status) {
    case dns::Status::NotFound:
    case dns::Status::NoData:
      return "5.4.4";
    case dns::Status::NullMx:
      return "5.1.0";
    case dns::Status::ServerFailure:
      return "5.4.3";
    case dns::Status::Malformed:
      return "5.4.4";
    default:
      return "4.4.3";
  }
}

std::mt19937& dice() {
  static std::mt19937 generator{std::random_device{}()};
  return generator;
}

net::Task<dns::Answer> addresses_of(Config& config, std::string host) {
  auto deadline = net::Deadline::in(kLookupTime);
  if (!config.lookup_native) {
    auto answer = co_await dns::addresses(*config.resolver, host,
                                          config.families, deadline);
    co_return answer;
  }
  auto answer = co_await dns::native_addresses(*config.resolver, host,
                                               config.families, deadline);
  co_return answer;
}

/// The family that smtp_address_preference asks for goes first.
void order_families(const Config& config, std::vector<Server>& servers) {
  auto last = [&](const Server& s) {
    if (config.address_preference == "ipv4") return s.where.address.is_v6();
    if (config.address_preference == "ipv6") return s.where.address.is_v4();
    return false;
  };
  std::stable_sort(
      servers.begin(), servers.end(),
      [&](const Server& a, const Server& b) { return !last(a) && last(b); });
}

/// smtp_balance_inet_protocols: of a list that is longer than may be tried,
/// neither family gets less than it could have of half the places.
void balance_families(const Config& config, std::vector<Server>& servers) {
  size_t limit = config.address_limit;
  if (!config.balance_families || limit < 2 || servers.size() <= limit) return;
  size_t v6 = static_cast<size_t>(
      std::count_if(servers.begin(), servers.end(),
                    [](const Server& s) { return s.where.address.is_v6(); }));
  size_t v4 = servers.size() - v6;
  size_t room4 = limit - std::min(v6, limit / 2);
  size_t room6 = limit - std::min(v4, limit / 2);
  std::vector<Server> kept;
  for (auto& server : servers) {
    size_t& room = server.where.address.is_v6() ? room6 : room4;
    if (room == 0 || kept.size() == limit) continue;
    --room;
    kept.push_back(std::move(server));
  }
  servers = std::move(kept);
}

bool is_own(const Config& config, const Server& server) {
  return std::find(config.own_addresses.begin(), config.own_addresses.end(),
                   server.where.address) != config.own_addresses.end();
}

Problem lookup_problem(const Config& config, const Destination& destination,
                       std::string_view status, std::string text) {
  Problem out = problem(status, std::move(text));
  if (destination.text == config.relayhost && out.dsn.status.starts_with('5')) {
    log::warning("relayhost configuration problem");
    out.dsn.status = "4.3.5";
  }
  return out;
}

}  // namespace

Problem problem(std::string_view status, std::string reason) {
  Problem out;
  out.dsn.status = status;
  out.dsn.reason = std::move(reason);
  return out;
}

std::string Server::shown() const {
  return fmt::format("{}[{}]", name,
                     where.path.empty() ? where.address.text() : where.path);
}

std::string Server::relay() const {
  return where.path.empty() ? fmt::format("{}:{}", shown(), where.port)
                            : shown();
}

namespace {

/// Appends the addresses of one host. The answer, for when there are none.
net::Task<dns::Answer> add_host(Config& config, const Destination& destination,
                                std::string host, std::vector<Server>& out) {
  if (auto literal = net::IpAddress::parse(host)) {
    Server server;
    server.name = host;
    server.where.address = *literal;
    server.where.port = destination.port;
    out.push_back(std::move(server));
    dns::Answer found;
    found.status = dns::Status::Found;
    co_return found;
  }
  auto answer = co_await addresses_of(config, host);
  std::vector<Server> servers;
  for (const auto& record : answer.records) {
    Server server;
    server.name = host;
    server.where.address = record.address;
    server.where.port = destination.port;
    servers.push_back(std::move(server));
  }
  if (config.randomize) std::shuffle(servers.begin(), servers.end(), dice());
  order_families(config, servers);
  out.insert(out.end(), servers.begin(), servers.end());
  co_return answer;
}

std::string failure_text(const Config& config, const dns::Answer& answer) {
  return config.lookup_native ? dns::native_error_text(answer)
                              : answer.error_text();
}

net::Task<Servers> by_mx(Config& config, const Destination& destination,
                         dns::MxHosts mx) {
  Servers out;
  auto hosts = std::move(mx.hosts);
  if (config.randomize) {
    std::shuffle(hosts.begin(), hosts.end(), dice());
  }
  std::stable_sort(
      hosts.begin(), hosts.end(),
      [](const auto& a, const auto& b) { return a.preference < b.preference; });
  std::optional<dns::Answer> soft, hard;
  for (size_t i = 0; i < hosts.size(); ++i) {
    std::vector<Server> servers;
    auto answer =
        co_await add_host(config, destination, hosts[i].name, servers);
    bool own = destination.port == kSmtpPort &&
               std::any_of(servers.begin(), servers.end(),
                           [&](const auto& s) { return is_own(config, s); });
    if (own) {
      // We are one of them: only better ones than we may be tried.
      uint16_t ours = hosts[i].preference;
      size_t better = 0;
      std::vector<Server> kept;
      for (size_t j = 0; j < i; ++j) {
        if (hosts[j].preference < ours) better = j + 1;
      }
      for (const auto& server : out.list) {
        for (size_t j = 0; j < better; ++j) {
          if (server.name == hosts[j].name) {
            kept.push_back(server);
            break;
          }
        }
      }
      out.list = std::move(kept);
      if (out.list.empty()) {
        out.problem = lookup_problem(
            config, destination, "5.4.6",
            fmt::format("mail for {} loops back to myself", destination.host));
      }
      co_return out;
    }
    if (servers.empty()) {
      (answer.status == dns::Status::Temporary ? soft : hard) = answer;
    }
    out.list.insert(out.list.end(), servers.begin(), servers.end());
  }
  if (out.list.empty()) {
    const dns::Answer& why = soft ? *soft : hard ? *hard : mx.answer;
    out.problem = lookup_problem(config, destination, dns_status(why.status),
                                 failure_text(config, why));
    if (config.defer_without_mx_address) out.problem->dsn.status[0] = '4';
  }
  balance_families(config, out.list);
  co_return out;
}

}  // namespace

net::Task<Servers> find_servers(Config& config, Destination destination) {
  Servers out;
  if (!destination.path.empty()) {
    Server server;
    server.name = config.host;
    server.where.path = destination.path;
    out.list.push_back(std::move(server));
    co_return out;
  }
  if (destination.mx && config.dns_lookups) {
    auto mx = co_await dns::mx_hosts(*config.resolver, destination.host,
                                     net::Deadline::in(kLookupTime));
    if (mx.answer.found() && !mx.hosts.empty()) {
      auto servers = co_await by_mx(config, destination, std::move(mx));
      co_return servers;
    }
    if (mx.answer.status == dns::Status::NullMx) {
      out.problem =
          lookup_problem(config, destination, "5.1.0",
                         fmt::format("Domain {} does not accept mail (nullMX)",
                                     destination.host));
      co_return out;
    }
    bool may_have_addresses = mx.answer.status == dns::Status::NoData ||
                              mx.answer.status == dns::Status::NotFound;
    if (!may_have_addresses) {
      out.problem =
          lookup_problem(config, destination, dns_status(mx.answer.status),
                         mx.answer.error_text());
      co_return out;
    }
  }
  auto answer =
      co_await add_host(config, destination, destination.host, out.list);
  if (out.list.empty()) {
    out.problem = lookup_problem(config, destination, dns_status(answer.status),
                                 failure_text(config, answer));
    co_return out;
  }
  bool own = destination.mx && destination.port == kSmtpPort &&
             std::any_of(out.list.begin(), out.list.end(),
                         [&](const auto& s) { return is_own(config, s); });
  if (own) {
    out.list.clear();
    out.problem = lookup_problem(
        config, destination, "5.4.6",
        fmt::format("mail for {} loops back to myself", destination.host));
  }
  balance_families(config, out.list);
  co_return out;
}

}  // namespace mail::smtpc
