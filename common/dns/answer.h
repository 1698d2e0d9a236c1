#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/address.h"

namespace mail::dns {

/// Record types (RFC 1035, 3596, 2782, 6698).
enum class Type : uint16_t {
  A = 1,
  NS = 2,
  CNAME = 5,
  SOA = 6,
  PTR = 12,
  MX = 15,
  TXT = 16,
  AAAA = 28,
  SRV = 33,
  TLSA = 52,
};
/// "MX"; "TYPE65280" for one without a name here.
std::string type_name(Type type);

/// One resource record. Names are without the final dot; the root is "".
struct Record {
  std::string name;
  Type type = Type::A;
  uint32_t ttl = 0;         ///< seconds
  net::IpAddress address;   ///< A, AAAA
  std::string target;       ///< NS, CNAME, PTR, MX, SRV: a host name
  uint16_t preference = 0;  ///< MX, and SRV's priority
  uint16_t weight = 0;      ///< SRV
  uint16_t port = 0;        ///< SRV
  uint8_t usage = 0;        ///< TLSA
  uint8_t selector = 0;     ///< TLSA
  uint8_t matching = 0;     ///< TLSA
  std::string data;         ///< TXT: its strings joined; TLSA: raw digest

  friend bool operator==(const Record&, const Record&) = default;
};

/// How a lookup has ended. NotFound and NoData are definite; the last two are
/// not, and mail that depends on them waits.
enum class Status {
  Found,
  NotFound,       ///< NXDOMAIN: no such name
  NoData,         ///< the name is there, without records of this type
  NullMx,         ///< only of mx_hosts(): the domain takes no mail (RFC 7505)
  ServerFailure,  ///< the servers say that asking again will not help
  Malformed,      ///< replies, or all names in them, that cannot be used
  Temporary,      ///< time-out, SERVFAIL: ask again later
};

struct Answer {
  Status status = Status::Temporary;
  std::string name;             ///< as asked
  Type type = Type::A;          ///< as asked
  std::string canonical;        ///< at the end of the CNAMEs
  std::vector<Record> records;  ///< of `type`, in the reply's order
  bool authenticated = false;   ///< AD: the resolver says that DNSSEC holds
  uint32_t ttl = 0;             ///< least of records and CNAMEs; negative too
  std::vector<std::string> warnings;  ///< e.g. records dropped as malformed

  bool found() const { return status == Status::Found; }
  bool temporary() const { return status == Status::Temporary; }
  /// "Host or domain name not found. Name service error for name=X type=MX:
  /// Host not found", as deferred and bounced mail says; "" when found.
  std::string error_text() const;
};

/// "Host not found", "Host not found, try again", "Host found but no data
/// record of requested type", ...
std::string_view status_text(Status status);

}  // namespace mail::dns
