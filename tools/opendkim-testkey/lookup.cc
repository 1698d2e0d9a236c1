#include "tools/opendkim-testkey/lookup.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/dns/resolver.h"
#include "common/net/loop.h"

namespace mail::opendkim_tools {

namespace {

class Lookup {
 public:
  explicit Lookup(const config::opendkim::Conf& conf) {
    dns::ResolvConf servers;
    std::string list = conf.string("Nameservers").value_or("");
    for (std::string_view piece : split(list)) {
      size_t at = piece.find('@');
      auto address = net::IpAddress::parse(piece.substr(0, at));
      if (!address) continue;
      net::Endpoint server;
      server.address = *address;
      server.port =
          at == std::string_view::npos
              ? 53
              : parse_number<uint16_t>(piece.substr(at + 1)).value_or(53);
      servers.servers.push_back(server);
    }
    if (servers.servers.empty()) {
      if (auto opened = dns::Resolver::open()) resolver_ = std::move(*opened);
    } else {
      resolver_ = std::make_unique<dns::Resolver>(servers);
    }
    long seconds = conf.integer("DNSTimeout");
    limit_ = std::chrono::seconds(seconds > 0 ? seconds : 60);
  }

  dns::Answer ask(const std::string& name) {
    if (!resolver_) return {};
    dns::Resolver::Options options;
    options.dnssec = true;
    return loop_.run(resolver_->lookup(name, dns::Type::TXT,
                                       net::Deadline::in(limit_), options));
  }

 private:
  net::Loop loop_;
  std::unique_ptr<dns::Resolver> resolver_;
  Duration limit_{};
};

bool is_key(const dns::Answer& answer) {
  for (const auto& record : answer.records) {
    if (record.data.find("p=") != std::string::npos) return true;
  }
  return false;
}

/// Where DNS panels put a record whose name they have misunderstood.
std::vector<std::string> misplaced(Lookup& lookup, const std::string& selector,
                                   const std::string& domain) {
  const std::string key = "._domainkey";
  for (const std::string& name :
       {fmt::format("{}{}.{}.{}", selector, key, domain, domain),
        fmt::format("{}.{}", selector, domain),
        fmt::format("{}{}{}.{}", selector, key, key, domain)}) {
    if (!is_key(lookup.ask(name))) continue;
    return {
        fmt::format("there is a key at '{}': the DNS panel wants the name "
                    "without the domain, that is '{}{}'",
                    name, selector, key)};
  }
  return {};
}

}  // namespace

Published look_up_key(const config::opendkim::Conf& conf,
                      const std::string& selector, const std::string& domain) {
  Lookup lookup(conf);
  std::string name = fmt::format("{}._domainkey.{}", selector, domain);
  dns::Answer answer = lookup.ask(name);
  Published out;
  out.secure = answer.authenticated;
  switch (answer.status) {
    case dns::Status::Found:
      for (const auto& record : answer.records) {
        out.texts.push_back(record.data);
      }
      return out;
    case dns::Status::NotFound:
    case dns::Status::NoData:
      out.problem = fmt::format("'{}' record not found", name);
      out.hints = misplaced(lookup, selector, domain);
      if (out.hints.empty()) {
        out.hints.push_back(fmt::format(
            "not published, or not yet there: name servers may go on saying "
            "so for {} seconds",
            answer.ttl));
      }
      return out;
    case dns::Status::Temporary:
      out.problem = fmt::format("'{}' query timed out", name);
      return out;
    default:
      out.problem = fmt::format("'{}' query failed: {}", name,
                                dns::status_text(answer.status));
      return out;
  }
}

}  // namespace mail::opendkim_tools
