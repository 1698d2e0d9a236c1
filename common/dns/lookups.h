#pragma once

#include <string>
#include <vector>

#include "common/dns/resolver.h"

namespace mail::dns {

/// inet_protocols.
enum class Families { V4, V6, Both };

struct MxHosts {
  struct Host {
    std::string name;
    uint16_t preference = 0;
  };
  Answer answer;            ///< the MX lookup's; status NullMx for "MX 0 ."
  std::vector<Host> hosts;  ///< least preference first, equal ones as received
};
/// The MX hosts of a domain. NoData and NotFound are left to the caller, who
/// may try the domain's own addresses (RFC 5321, 5.1).
net::Task<MxHosts> mx_hosts(Resolver& resolver, std::string domain,
                            net::Deadline deadline,
                            Resolver::Options options = {});

/// The addresses of a host, by DNS alone (A and AAAA, asked at once). Found if
/// there is any; else the status that says most: Temporary before NoData
/// before NotFound. records: A and AAAA in the order v6, v4 of the replies.
net::Task<Answer> addresses(Resolver& resolver, std::string host,
                            Families families, net::Deadline deadline,
                            Resolver::Options options = {});

/// "Native": /etc/hosts first, then DNS with the search list, as getaddrinfo
/// does with Debian's nsswitch.conf. "localhost" always has its addresses. An
/// address literal is itself.
net::Task<Answer> native_addresses(Resolver& resolver, std::string host,
                                   Families families, net::Deadline deadline);
/// The text for a native lookup that failed: "unable to look up host X: Name
/// or service not known".
std::string native_error_text(const Answer& answer);

/// The name of an address: /etc/hosts first, then PTR. records[0].target.
net::Task<Answer> ptr_name(Resolver& resolver, net::IpAddress address,
                           net::Deadline deadline);

/// "1.2.0.192", or 32 nibbles: what stands before ".in-addr.arpa" and before
/// the domain of a DNS block list.
std::string reversed(const net::IpAddress& address);
/// "1.2.0.192.in-addr.arpa", "....ip6.arpa".
std::string reverse_name(const net::IpAddress& address);

}  // namespace mail::dns
