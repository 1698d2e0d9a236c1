#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/crypto/digest.h"

struct evp_pkey_st;
struct evp_pkey_ctx_st;

namespace mail::crypto {

enum class KeyType { Rsa, Ed25519 };

/// A key that signs. Several threads may use one at once.
class PrivateKey {
 public:
  /// PEM (PKCS#1 or PKCS#8), or the same as bare DER.
  /// Errors: Config, OpenSSL's reason; no other type than the two above.
  static Result<PrivateKey> parse(std::string_view text);
  /// Errors: Config, a size that OpenSSL does not make.
  static Result<PrivateKey> generate_rsa(unsigned bits);
  static PrivateKey generate_ed25519();

  KeyType type() const { return type_; }
  unsigned bits() const { return bits_; }
  /// RSA: PKCS#1 v1.5 over a digest made with `hash`. Ed25519: over the given
  /// bytes themselves (RFC 8463 gives them a SHA-256 digest).
  /// Errors: Permanent, OpenSSL's reason.
  Result<std::string> sign(Hash hash, std::string_view digest) const;
  /// SubjectPublicKeyInfo, DER.
  std::string public_der() const;
  /// What stands in p= of a DKIM key record: the DER of an RSA key, the 32
  /// bytes of an Ed25519 key (RFC 8463).
  std::string public_bytes() const;
  /// PKCS#8 in PEM.
  std::string pem() const;

 private:
  explicit PrivateKey(evp_pkey_st* key);
  std::shared_ptr<evp_pkey_st> key_;
  std::shared_ptr<evp_pkey_ctx_st> signing_;  // RSA: made ready once
  KeyType type_;
  unsigned bits_;
  Hash prepared_ = Hash::Sha256;
};

/// A key that verifies. Several threads may use one at once.
class PublicKey {
 public:
  /// RSA: SubjectPublicKeyInfo or RSAPublicKey (RFC 6376, 3.6.1), DER.
  /// Ed25519: 32 bytes. Errors: Protocol, OpenSSL's reason.
  static Result<PublicKey> parse(KeyType type, std::string_view bytes);

  KeyType type() const { return type_; }
  unsigned bits() const { return bits_; }
  /// As PrivateKey::sign. Errors: Permanent, OpenSSL's reasons joined by "; ",
  /// e.g. "error:02000068:rsa routines::bad signature".
  Result<> verify(Hash hash, std::string_view digest,
                  std::string_view signature) const;
  /// SubjectPublicKeyInfo, DER: equal for equal keys.
  std::string der() const;

 private:
  PublicKey(evp_pkey_st* key, KeyType type);
  std::shared_ptr<evp_pkey_st> key_;
  KeyType type_;
  unsigned bits_;
};

}  // namespace mail::crypto
