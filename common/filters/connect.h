#pragma once

#include "common/dns/resolver.h"
#include "common/filters/filter.h"
#include "common/net/address.h"

namespace mail::filters {

/// Host names to addresses; localhost needs none.
using HostLookup = std::function<net::Task<Result<std::vector<net::IpAddress>>>(
    std::string host, net::Deadline deadline)>;

/// Connects to "inet:host:port", "inet:[v6]:port", "unix:path", "local:path".
/// Errors: Config "Milter service needs transport:endpoint instead of "X"",
/// "invalid transport name: X in Milter service: Y"; Temporary with errno.
Connector make_connector(HostLookup lookup);

/// The everyday HostLookup: /etc/hosts, then DNS.
net::Task<Result<std::vector<net::IpAddress>>> resolve_host(
    dns::Resolver* resolver, std::string host, net::Deadline deadline);

}  // namespace mail::filters
