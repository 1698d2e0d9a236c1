#include "common/crypto/key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common/base/check.h"
#include "common/base/handle.h"
#include "common/crypto/octets.h"

namespace mail::crypto {

namespace {

using PkeyPtr = Handle<EVP_PKEY, EVP_PKEY_free>;
using ContextPtr = Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using BioPtr = Handle<BIO, BIO_free_all>;

/// OpenSSL's error queue of this thread, emptied.
std::string errors() {
  std::string out;
  char text[256];
  while (unsigned long code = ERR_get_error()) {
    ERR_error_string_n(code, text, sizeof(text));
    if (!out.empty()) out += "; ";
    out += text;
  }
  return out;
}

const EVP_MD* md(Hash hash) {
  switch (hash) {
    case Hash::Md5:
      return EVP_md5();
    case Hash::Sha1:
      return EVP_sha1();
    case Hash::Sha256:
      return EVP_sha256();
    case Hash::Sha384:
      return EVP_sha384();
    case Hash::Sha512:
      return EVP_sha512();
  }
  return EVP_sha256();
}

std::string spki(EVP_PKEY* key) {
  unsigned char* bytes = nullptr;
  int size = i2d_PUBKEY(key, &bytes);
  CHECK(size > 0);
  std::string out(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

// PKCS#1 v1.5 over digests of `hash`, ready for EVP_PKEY_sign or _verify.
bool set_up_rsa(EVP_PKEY_CTX* context, Hash hash) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
         EVP_PKEY_CTX_set_signature_md(context, md(hash)) == 1;
}

EVP_PKEY_CTX* make_signing(EVP_PKEY* key, Hash hash) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key, nullptr);
  CHECK(context != nullptr);
  if (EVP_PKEY_sign_init(context) == 1 && set_up_rsa(context, hash)) {
    return context;
  }
  EVP_PKEY_CTX_free(context);
  return nullptr;
}

}  // namespace

PrivateKey::PrivateKey(EVP_PKEY* key)
    : key_(key, EVP_PKEY_free),
      type_(EVP_PKEY_is_a(key, "ED25519") ? KeyType::Ed25519 : KeyType::Rsa),
      bits_(static_cast<unsigned>(EVP_PKEY_get_bits(key))) {
  if (type_ == KeyType::Rsa) {
    signing_.reset(make_signing(key, prepared_), EVP_PKEY_CTX_free);
  }
}

Result<PrivateKey> PrivateKey::parse(std::string_view text) {
  ERR_clear_error();
  PkeyPtr key;
  if (text.find("-----BEGIN") != std::string_view::npos) {
    BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    CHECK(bio != nullptr);
    // A key with a passphrase is not asked for on the terminal.
    key.reset(PEM_read_bio_PrivateKey(
        bio.get(), nullptr, [](char*, int, int, void*) { return -1; },
        nullptr));
  } else {
    const unsigned char* at = octets(text);
    key.reset(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(text.size())));
  }
  if (!key) return fail(Fault::Config, errors());
  if (!EVP_PKEY_is_a(key.get(), "RSA") &&
      !EVP_PKEY_is_a(key.get(), "ED25519")) {
    return fail(Fault::Config, "neither an RSA nor an Ed25519 key");
  }
  ERR_clear_error();
  return PrivateKey(key.release());
}

Result<PrivateKey> PrivateKey::generate_rsa(unsigned bits) {
  ERR_clear_error();
  EVP_PKEY* key = EVP_RSA_gen(bits);
  if (key == nullptr) return fail(Fault::Config, errors());
  return PrivateKey(key);
}

PrivateKey PrivateKey::generate_ed25519() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  CHECK(key != nullptr);
  return PrivateKey(key);
}

Result<std::string> PrivateKey::sign(Hash hash, std::string_view digest) const {
  ERR_clear_error();
  size_t size = static_cast<size_t>(EVP_PKEY_get_size(key_.get()));
  std::string out(size, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  bool ok = false;
  if (type_ == KeyType::Ed25519) {
    Handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    CHECK(context != nullptr);
    ok = EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr,
                            key_.get()) == 1 &&
         EVP_DigestSign(context.get(), bytes, &size, octets(digest),
                        digest.size()) == 1;
  } else {
    // Initialising anew costs more than copying what was initialised once.
    ContextPtr context(hash == prepared_ && signing_
                           ? EVP_PKEY_CTX_dup(signing_.get())
                           : make_signing(key_.get(), hash));
    ok = context && EVP_PKEY_sign(context.get(), bytes, &size, octets(digest),
                                  digest.size()) == 1;
  }
  if (!ok) return fail(Fault::Permanent, errors());
  out.resize(size);
  return out;
}

std::string PrivateKey::public_der() const { return spki(key_.get()); }

std::string PrivateKey::public_bytes() const {
  if (type_ == KeyType::Rsa) return public_der();
  size_t size = 32;
  std::string out(size, '\0');
  CHECK(EVP_PKEY_get_raw_public_key(
            key_.get(), reinterpret_cast<unsigned char*>(out.data()), &size) ==
        1);
  return out;
}

std::string PrivateKey::pem() const {
  BioPtr bio(BIO_new(BIO_s_mem()));
  CHECK(bio &&
        PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr,
                                      0, nullptr, nullptr) == 1);
  char* text = nullptr;
  long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

PublicKey::PublicKey(EVP_PKEY* key, KeyType type)
    : key_(key, EVP_PKEY_free),
      type_(type),
      bits_(static_cast<unsigned>(EVP_PKEY_get_bits(key))) {}

Result<PublicKey> PublicKey::parse(KeyType type, std::string_view bytes) {
  ERR_clear_error();
  PkeyPtr key;
  if (type == KeyType::Ed25519) {
    key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                          octets(bytes), bytes.size()));
  } else {
    const unsigned char* at = octets(bytes);
    long size = static_cast<long>(bytes.size());
    key.reset(d2i_PUBKEY(nullptr, &at, size));
    if (!key) {
      std::string reason = errors();
      at = octets(bytes);
      key.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
      if (!key) return fail(Fault::Protocol, reason);
    }
    if (!EVP_PKEY_is_a(key.get(), "RSA")) {
      return fail(Fault::Protocol, "not an RSA key");
    }
  }
  if (!key) return fail(Fault::Protocol, errors());
  return PublicKey(key.release(), type);
}

Result<> PublicKey::verify(Hash hash, std::string_view digest,
                           std::string_view signature) const {
  ERR_clear_error();
  bool ok = false;
  if (type_ == KeyType::Ed25519) {
    Handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    CHECK(context != nullptr);
    ok = EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr,
                              key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), octets(signature), signature.size(),
                          octets(digest), digest.size()) == 1;
  } else {
    ContextPtr context(EVP_PKEY_CTX_new(key_.get(), nullptr));
    CHECK(context != nullptr);
    ok = EVP_PKEY_verify_init(context.get()) == 1 &&
         set_up_rsa(context.get(), hash) &&
         EVP_PKEY_verify(context.get(), octets(signature), signature.size(),
                         octets(digest), digest.size()) == 1;
  }
  if (!ok) return fail(Fault::Permanent, errors());
  return {};
}

std::string PublicKey::der() const { return spki(key_.get()); }

}  // namespace mail::crypto
