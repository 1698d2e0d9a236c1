#pragma once

#include <string_view>

// Dovecot's anvil: who is logged in, and whose passwords failed. Lines of
// tab-separated fields, LF; the client speaks first.
//
//   VERSION anvil 1 0
//   CONNECT pid service/ip/user       (one login more of that process)
//   DISCONNECT pid service/ip/user
//   LOOKUP service/ip/user            -> COUNT
//   CONNECT-DUMP                      -> service/ip/user pid count ... , empty
//   KILL pid                          (from the master alone, descriptor 3)
//   PENALTY-GET ip                    -> VALUE TIMESTAMP
//   PENALTY-INC ip checksum value     (checksum 0: always)
//   PENALTY-SET-EXPIRE-SECS seconds
//   PENALTY-DUMP                      -> ip value start last ... , empty
namespace mail::ipc {

constexpr std::string_view kDovecotAnvilGreeting = "VERSION\tanvil\t1\t0\n";

}  // namespace mail::ipc
