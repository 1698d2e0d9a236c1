#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/crypto/digest.h"

namespace mail::sasl {

constexpr unsigned kScramIterations = 4096;

/// Of "SCRAM-SHA-1" or "SCRAM-SHA-256".
crypto::Hash scram_hash(std::string_view mechanism);

/// What a server keeps of a password (RFC 5802, 3); raw bytes.
struct ScramSecrets {
  unsigned iterations = kScramIterations;
  std::string salt, stored_key, server_key;

  /// "4096,SALT,StoredKey,ServerKey", each in base64.
  std::string encode() const;
  /// Errors: Config, another form, or digests of another size.
  static Result<ScramSecrets> parse(std::string_view text, crypto::Hash hash);
};

ScramSecrets derive_scram(crypto::Hash hash, std::string_view password,
                          std::string salt, unsigned iterations);
/// Hi() and HMAC "Client Key": what a client proves that it has.
std::string scram_client_key(crypto::Hash hash, std::string_view password,
                             std::string_view salt, unsigned iterations);

/// "=2C" is a comma and "=3D" an equals sign in names; nullopt: another "=".
std::string encode_scram_name(std::string_view name);
std::optional<std::string> decode_scram_name(std::string_view text);

/// The value of attribute `name` ("r=...") of a comma-separated message.
std::string_view scram_attribute(std::string_view message, char name);

/// Byte-wise exclusive or of two of equal size.
std::string exclusive_or(std::string_view a, std::string_view b);

}  // namespace mail::sasl
