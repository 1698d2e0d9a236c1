#include "common/login/session_id.h"

#include "common/base/base64.h"

namespace mail::login {

std::string session_id(uint64_t microseconds, uint16_t remote_port,
                       const net::IpAddress& remote) {
  std::string bytes;
  for (int i = 0; i < 6; ++i) {
    bytes += static_cast<char>(microseconds >> (8 * i));
  }
  bytes += static_cast<char>(remote_port);
  bytes += static_cast<char>(remote_port >> 8);
  bytes += remote.bytes();
  return base64_encode(bytes);
}

}  // namespace mail::login
