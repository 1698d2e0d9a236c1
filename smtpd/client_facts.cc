#include "smtpd/client_facts.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/dns/lookups.h"
#include "common/log/log.h"
#include "common/net/address.h"

namespace mail::smtpd {

namespace {

constexpr std::chrono::seconds kLookupTime{30};

NameStatus failure(dns::Status status) {
  return status == dns::Status::Temporary ? NameStatus::Temporary
                                          : NameStatus::Fail;
}

net::Task<> learn_name(Config& config, ClientFacts& client) {
  auto deadline = net::Deadline::in(kLookupTime);
  auto ptr = co_await dns::ptr_name(*config.resolver, client.address, deadline);
  if (!ptr.found() || ptr.records.empty()) {
    client.name_status = client.reverse_status = failure(ptr.status);
    co_return;
  }
  std::string name = ptr.records[0].target;
  client.reverse_name = name;
  client.reverse_status = NameStatus::Ok;
  auto families =
      client.address.is_v4() ? dns::Families::V4 : dns::Families::V6;
  auto forward = co_await dns::native_addresses(*config.resolver, name,
                                                families, deadline);
  if (!forward.found()) {
    client.name_status = failure(forward.status);
    log::warning(fmt::format("hostname {} does not resolve to address {}: {}",
                             name, client.address_text,
                             forward.status == dns::Status::Temporary
                                 ? "Temporary failure in name resolution"
                                 : "Name or service not known"));
    co_return;
  }
  bool same = std::any_of(
      forward.records.begin(), forward.records.end(),
      [&](const dns::Record& r) { return r.address == client.address; });
  if (!same) {
    client.name_status = NameStatus::Forged;
    log::warning(fmt::format("hostname {} does not resolve to address {}", name,
                             client.address_text));
    co_return;
  }
  client.name = name;
  client.name_status = NameStatus::Ok;
}

}  // namespace

net::Task<ClientFacts> learn_client(Config& config, int fd) {
  ClientFacts client;
  auto peer = net::Endpoint::peer_of(fd);
  auto local = net::Endpoint::local_of(fd);
  if (peer.port != 0) {
    client.address = peer.address;
    client.address_text = peer.address.text();
    client.port = fmt::to_string(peer.port);
    client.server_address = local.address.text();
    client.server_port = fmt::to_string(local.port);
    if (config.peer_name_lookup) co_await learn_name(config, client);
  } else {
    // A pipe or a Unix socket: sendmail -bs.
    client.name = client.reverse_name = "localhost";
    client.name_status = client.reverse_status = NameStatus::Ok;
    client.address = *net::IpAddress::parse("127.0.0.1");
    client.address_text = "127.0.0.1";
    client.port = "0";
    client.server_address = "127.0.0.1";
    client.server_port = "0";
  }
  co_await settle_client(config, client);
  co_return client;
}

net::Task<> settle_client(Config& config, ClientFacts& client) {
  client.name_addr =
      config.port_logging
          ? fmt::format("{}[{}]:{}", client.name, client.address_text,
                        client.port)
          : fmt::format("{}[{}]", client.name, client.address_text);
  auto trusted =
      co_await config.mynetworks.match(client.name, client.address_text);
  client.in_mynetworks = trusted && *trusted;
}

}  // namespace mail::smtpd
