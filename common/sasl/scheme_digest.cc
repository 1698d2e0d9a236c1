// Schemes that are one digest: plain, salted, and those of two mechanisms.
#include <fmt/format.h>

#include "common/base/number.h"
#include "common/crypto/digest.h"
#include "common/crypto/legacy.h"
#include "common/crypto/random.h"
#include "common/crypto/secret.h"
#include "common/sasl/scheme.h"

namespace mail::sasl::schemes {

namespace {

constexpr size_t kSaltSize = 4;

crypto::Hash hash_of(const Scheme& scheme) {
  switch (scheme.digest_size) {
    case 16:
      return crypto::Hash::Md5;
    case 20:
      return crypto::Hash::Sha1;
    case 32:
      return crypto::Hash::Sha256;
    default:
      return crypto::Hash::Sha512;
  }
}

std::string raw_digest(const Scheme& scheme, std::string_view bytes) {
  if (scheme.name == "PLAIN-MD4") return crypto::md4(bytes);
  return crypto::digest(hash_of(scheme), bytes);
}

}  // namespace

Result<std::string> make_digest(const Scheme& scheme,
                                std::string_view plaintext,
                                const HashOptions&) {
  return raw_digest(scheme, plaintext);
}

Result<bool> verify_digest(const Scheme& scheme, std::string_view raw,
                           std::string_view plaintext, std::string_view) {
  return crypto::equal_in_constant_time(raw, raw_digest(scheme, plaintext));
}

Result<std::string> make_salted(const Scheme& scheme,
                                std::string_view plaintext,
                                const HashOptions&) {
  std::string salt = crypto::random_bytes(kSaltSize);
  std::string salted = std::string(plaintext) + salt;
  std::string out = raw_digest(scheme, salted) + salt;
  crypto::wipe(salted);
  return out;
}

Result<bool> verify_salted(const Scheme& scheme, std::string_view raw,
                           std::string_view plaintext, std::string_view) {
  if (raw.size() < scheme.digest_size) {
    return fail(Fault::Config,
                fmt::format("{} password is too short", scheme.name));
  }
  std::string salted = std::string(plaintext);
  salted += raw.substr(scheme.digest_size);
  bool same = crypto::equal_in_constant_time(raw.substr(0, scheme.digest_size),
                                             raw_digest(scheme, salted));
  crypto::wipe(salted);
  return same;
}

Result<std::string> make_plain(const Scheme&, std::string_view plaintext,
                               const HashOptions&) {
  return std::string(plaintext);
}

Result<bool> verify_plain(const Scheme&, std::string_view raw,
                          std::string_view plaintext, std::string_view) {
  return crypto::equal_in_constant_time(raw, plaintext);
}

/// "LENGTH-TEXT": a TEXT of LENGTH was cut there, so what follows is not
/// known.
Result<bool> verify_truncated(const Scheme&, std::string_view raw,
                              std::string_view plaintext, std::string_view) {
  size_t dash = raw.find('-');
  auto length = dash == std::string_view::npos
                    ? std::nullopt
                    : parse_number<size_t>(raw.substr(0, dash));
  if (!length) {
    return fail(Fault::Config, "PLAIN-TRUNC missing length: prefix");
  }
  std::string_view text = raw.substr(dash + 1);
  if (text.size() == *length && plaintext.size() > text.size()) {
    plaintext = plaintext.substr(0, text.size());
  }
  return crypto::equal_in_constant_time(text, plaintext);
}

/// MD5(user:realm:password) (RFC 2831's A1, first part).
Result<std::string> make_digest_md5(const Scheme&, std::string_view plaintext,
                                    const HashOptions& options) {
  if (options.user.empty()) {
    return fail(Fault::Config, "DIGEST-MD5 scheme requires username and realm");
  }
  size_t at = options.user.find('@');
  std::string_view user = std::string_view(options.user).substr(0, at);
  std::string_view realm = at == std::string::npos
                               ? std::string_view()
                               : std::string_view(options.user).substr(at + 1);
  crypto::Hasher hasher(crypto::Hash::Md5);
  hasher.update(user);
  hasher.update(":");
  hasher.update(realm);
  hasher.update(":");
  hasher.update(plaintext);
  return hasher.finish();
}

/// The states of MD5 after the outer and the inner pad (RFC 2195 and 2104).
Result<std::string> make_cram_md5(const Scheme&, std::string_view plaintext,
                                  const HashOptions&) {
  std::string key(plaintext);
  if (key.size() > 64) key = crypto::digest(crypto::Hash::Md5, key);
  key.resize(64, '\0');
  std::string out;
  for (char pad : {'\x5c', '\x36'}) {
    std::string block = key;
    for (char& c : block) c = static_cast<char>(c ^ pad);
    out += crypto::md5_state_after(block);
    crypto::wipe(block);
  }
  crypto::wipe(key);
  return out;
}

Result<bool> verify_again(const Scheme& scheme, std::string_view raw,
                          std::string_view plaintext, std::string_view user) {
  HashOptions options;
  options.user = user;
  auto again = TRY(scheme.make(scheme, plaintext, options));
  return crypto::equal_in_constant_time(raw, again);
}

}  // namespace mail::sasl::schemes
