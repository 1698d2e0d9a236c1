#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace mail::crypto {

enum class Hash { Md5, Sha1, Sha256, Sha384, Sha512 };

/// "md5", "sha1", "sha256" ..., any case.
std::optional<Hash> hash_by_name(std::string_view name);
/// Bytes of a digest: 16, 20, 32, 48, 64.
size_t digest_size(Hash hash);

/// The raw digest of `bytes`.
std::string digest(Hash hash, std::string_view bytes);
/// The raw HMAC (RFC 2104).
std::string hmac(Hash hash, std::string_view key, std::string_view bytes);
/// PBKDF2 with HMAC (RFC 8018): `size` bytes.
std::string pbkdf2(Hash hash, std::string_view password, std::string_view salt,
                   unsigned iterations, size_t size);

/// A digest over bytes that come in pieces.
class Hasher {
 public:
  explicit Hasher(Hash hash);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  Hasher(const Hasher& other);  ///< goes on from the same state
  Hasher& operator=(const Hasher&) = delete;
  ~Hasher();

  void update(std::string_view bytes);
  /// The raw digest; the hasher begins anew.
  std::string finish();

 private:
  Hash hash_;
  evp_md_ctx_st* context_;
};

/// "0af3": two digits a byte.
std::string hex(std::string_view bytes);
std::string upper_hex(std::string_view bytes);
/// nullopt: an odd count or another character; any case.
std::optional<std::string> unhex(std::string_view text);
/// "0A:F3:...", as certificates' fingerprints are written.
std::string colon_hex(std::string_view bytes);

}  // namespace mail::crypto
