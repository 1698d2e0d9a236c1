#include "common/crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <array>
#include <utility>

#include "common/base/ascii.h"
#include "common/base/check.h"
#include "common/crypto/octets.h"

namespace mail::crypto {

namespace {

struct Algorithm {
  Hash hash;
  const char* name;
  size_t size;
};
constexpr Algorithm kAlgorithms[] = {{Hash::Md5, "md5", 16},
                                     {Hash::Sha1, "sha1", 20},
                                     {Hash::Sha256, "sha256", 32},
                                     {Hash::Sha384, "sha384", 48},
                                     {Hash::Sha512, "sha512", 64}};

const Algorithm& algorithm(Hash hash) {
  return kAlgorithms[static_cast<size_t>(hash)];
}

// Fetching by name walks OpenSSL's providers under a lock: once is enough.
const EVP_MD* evp(Hash hash) {
  static const auto all = [] {
    std::array<EVP_MD*, std::size(kAlgorithms)> out{};
    for (const auto& a : kAlgorithms) {
      out[static_cast<size_t>(a.hash)] = EVP_MD_fetch(nullptr, a.name, nullptr);
    }
    return out;
  }();
  const EVP_MD* md = all[static_cast<size_t>(hash)];
  CHECK(md != nullptr);
  return md;
}

}  // namespace

std::optional<Hash> hash_by_name(std::string_view name) {
  for (const auto& a : kAlgorithms) {
    if (iequals(a.name, name)) return a.hash;
  }
  return std::nullopt;
}

size_t digest_size(Hash hash) { return algorithm(hash).size; }

std::string digest(Hash hash, std::string_view bytes) {
  std::string out(digest_size(hash), '\0');
  CHECK(EVP_Digest(bytes.data(), bytes.size(),
                   reinterpret_cast<unsigned char*>(out.data()), nullptr,
                   evp(hash), nullptr) == 1);
  return out;
}

std::string hmac(Hash hash, std::string_view key, std::string_view bytes) {
  static EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  CHECK(mac != nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  CHECK(context != nullptr);
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(
          OSSL_MAC_PARAM_DIGEST, const_cast<char*>(algorithm(hash).name), 0),
      OSSL_PARAM_construct_end()};
  std::string out(digest_size(hash), '\0');
  size_t size = 0;
  // A null pointer would mean "the key as before", so no empty view's data().
  const unsigned char* key_bytes = key.empty() ? octets("") : octets(key);
  bool ok = EVP_MAC_init(context, key_bytes, key.size(), parameters) == 1 &&
            EVP_MAC_update(context, octets(bytes), bytes.size()) == 1 &&
            EVP_MAC_final(context, reinterpret_cast<unsigned char*>(out.data()),
                          &size, out.size()) == 1;
  EVP_MAC_CTX_free(context);
  CHECK(ok && size == out.size());
  return out;
}

std::string pbkdf2(Hash hash, std::string_view password, std::string_view salt,
                   unsigned iterations, size_t size) {
  std::string out(size, '\0');
  CHECK(PKCS5_PBKDF2_HMAC(password.empty() ? "" : password.data(),
                          static_cast<int>(password.size()), octets(salt),
                          static_cast<int>(salt.size()),
                          static_cast<int>(iterations), evp(hash),
                          static_cast<int>(size),
                          reinterpret_cast<unsigned char*>(out.data())) == 1);
  return out;
}

Hasher::Hasher(Hash hash) : hash_(hash), context_(EVP_MD_CTX_new()) {
  CHECK(context_ != nullptr);
  CHECK(EVP_DigestInit_ex2(context_, evp(hash_), nullptr) == 1);
}

Hasher::Hasher(const Hasher& other)
    : hash_(other.hash_), context_(EVP_MD_CTX_new()) {
  CHECK(context_ != nullptr);
  CHECK(EVP_MD_CTX_copy_ex(context_, other.context_) == 1);
}

Hasher::Hasher(Hasher&& other) noexcept
    : hash_(other.hash_), context_(std::exchange(other.context_, nullptr)) {}

Hasher& Hasher::operator=(Hasher&& other) noexcept {
  std::swap(hash_, other.hash_);
  std::swap(context_, other.context_);
  return *this;
}

Hasher::~Hasher() { EVP_MD_CTX_free(context_); }

void Hasher::update(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
}

std::string Hasher::finish() {
  std::string out(digest_size(hash_), '\0');
  CHECK(EVP_DigestFinal_ex(context_,
                           reinterpret_cast<unsigned char*>(out.data()),
                           nullptr) == 1);
  CHECK(EVP_DigestInit_ex2(context_, evp(hash_), nullptr) == 1);
  return out;
}

namespace {
std::string encode_hex(std::string_view bytes, const char* digits) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char c : bytes) {
    out += digits[c >> 4];
    out += digits[c & 15];
  }
  return out;
}
}  // namespace

std::string hex(std::string_view bytes) {
  return encode_hex(bytes, "0123456789abcdef");
}

std::string upper_hex(std::string_view bytes) {
  return encode_hex(bytes, "0123456789ABCDEF");
}

std::optional<std::string> unhex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = hex_value(text[i]), low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::string colon_hex(std::string_view bytes) {
  std::string digits = upper_hex(bytes), out;
  for (size_t i = 0; i < digits.size(); i += 2) {
    if (i > 0) out += ':';
    out.append(digits, i, 2);
  }
  return out;
}

}  // namespace mail::crypto
