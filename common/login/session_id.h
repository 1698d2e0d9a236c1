#pragma once

#include <cstdint>
#include <string>

#include "common/base/clock.h"
#include "common/net/address.h"

namespace mail::login {

/// A connection's name in all logs: base64 of 6 bytes of the time in
/// microseconds, 2 of the remote port (both little-endian) and the address's
/// 4 or 16; without padding, which only IPv6 would not need either.
/// microseconds: since 1970.
std::string session_id(uint64_t microseconds, uint16_t remote_port,
                       const net::IpAddress& remote);

}  // namespace mail::login
