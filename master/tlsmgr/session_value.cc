#include "master/tlsmgr/session_value.h"

#include <cstring>

#include "common/base/ascii.h"

namespace mail::tlsmgr {

std::string pack_session(long stored, std::string_view session) {
  std::string raw(sizeof(stored), '\0');
  memcpy(raw.data(), &stored, sizeof(stored));
  raw += session;
  std::string out;
  out.reserve(raw.size() * 2);
  for (char c : raw) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::optional<Session> unpack_session(std::string_view value) {
  Session out;
  if (value.size() % 2 != 0 || value.size() < 2 * sizeof(out.stored)) {
    return std::nullopt;
  }
  std::string raw;
  for (size_t i = 0; i < value.size(); i += 2) {
    int high = hex_value(value[i]), low = hex_value(value[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    raw += static_cast<char>(high * 16 + low);
  }
  memcpy(&out.stored, raw.data(), sizeof(out.stored));
  out.bytes = raw.substr(sizeof(out.stored));
  return out;
}

}  // namespace mail::tlsmgr
