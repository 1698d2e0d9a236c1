#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/crypto/digest.h"
#include "common/crypto/key.h"

namespace mail::dkim {

/// RFC 6376, 3.3; RFC 8463.
enum class Algorithm : uint8_t { RsaSha1, RsaSha256, Ed25519Sha256 };

std::string_view algorithm_name(Algorithm algorithm);
/// Any case. nullopt: not known.
std::optional<Algorithm> algorithm_by_name(std::string_view name);

inline crypto::Hash hash_of(Algorithm algorithm) {
  return algorithm == Algorithm::RsaSha1 ? crypto::Hash::Sha1
                                         : crypto::Hash::Sha256;
}
inline crypto::KeyType key_type_of(Algorithm algorithm) {
  return algorithm == Algorithm::Ed25519Sha256 ? crypto::KeyType::Ed25519
                                               : crypto::KeyType::Rsa;
}

}  // namespace mail::dkim
