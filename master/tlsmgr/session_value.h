#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail::tlsmgr {

/// What a session cache file holds under a cache id: hexadecimal digits of
/// a native time_t (8 bytes, when it was stored) and the session.
std::string pack_session(long stored, std::string_view session);
struct Session {
  long stored = 0;
  std::string bytes;
};
/// nullopt: not such a value.
std::optional<Session> unpack_session(std::string_view value);

}  // namespace mail::tlsmgr
