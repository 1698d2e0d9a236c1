#pragma once

#include <optional>
#include <string>

#include "common/maps/data_set.h"
#include "common/net/address.h"

namespace mail::dkim_milter {

/// The client of a connection, as the MTA names it.
struct Client {
  std::string host;
  /// nullopt: it came through a Unix socket, or from the machine itself.
  std::optional<net::IpAddress> address;
};

/// Whether a host set (InternalHosts, ExternalIgnoreList, PeerList) holds the
/// client: the name, then each ".suffix", the address, then each network from
/// the longest prefix on; "!x" before "x" says no. The first hit decides.
/// An address that is not known counts as 127.0.0.1.
bool holds_client(const maps::DataSet& set, const Client& client);

}  // namespace mail::dkim_milter
