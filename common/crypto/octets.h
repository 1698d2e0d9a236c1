#pragma once

#include <string_view>

namespace mail::crypto {

/// Bytes as OpenSSL wants them.
inline const unsigned char* octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace mail::crypto
