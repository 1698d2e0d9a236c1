#include "tests/support/certificates.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <catch2/catch.hpp>

namespace mail::test {

namespace {

std::string text_of(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<size_t>(size));
  BIO_free(bio);
  return out;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  REQUIRE(extension);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void add_extensions(X509* out, const CertificateOptions& options) {
  add_extension(out, NID_basic_constraints,
                options.authority ? "critical,CA:TRUE" : "CA:FALSE");
  std::string names;
  for (const auto& name : options.dns_names) {
    names += (names.empty() ? "DNS:" : ",DNS:") + name;
  }
  if (!options.authority && !names.empty()) {
    add_extension(out, NID_subject_alt_name, names);
  }
  if (options.client_only) add_extension(out, NID_ext_key_usage, "clientAuth");
}

}  // namespace

Certificate make_certificate(const CertificateOptions& options,
                             const Certificate* issuer) {
  static long serial = 1;
  EVP_PKEY* key = options.rsa ? EVP_RSA_gen(2048u) : EVP_EC_gen("P-256");
  REQUIRE(key);
  X509* out = X509_new();
  X509_set_version(out, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(out), serial++);
  X509_gmtime_adj(X509_getm_notBefore(out), options.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(out), options.valid_until);
  X509_set_pubkey(out, key);
  X509_NAME* name = X509_get_subject_name(out);
  X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_UTF8,
      reinterpret_cast<const unsigned char*>(options.common_name.c_str()), -1,
      -1, 0);
  EVP_PKEY* signer = key;
  X509* signer_certificate = out;
  if (issuer) {
    BIO* bio = BIO_new_mem_buf(issuer->key.data(), -1);
    signer = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    bio = BIO_new_mem_buf(issuer->certificate.data(), -1);
    signer_certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    REQUIRE(signer);
  }
  X509_set_issuer_name(out, X509_get_subject_name(signer_certificate));
  add_extensions(out, options);
  REQUIRE(X509_sign(out, signer, EVP_sha256()) > 0);
  Certificate result;
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, out);
  result.certificate = text_of(bio);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  result.key = text_of(bio);
  if (issuer) {
    EVP_PKEY_free(signer);
    X509_free(signer_certificate);
  }
  X509_free(out);
  EVP_PKEY_free(key);
  return result;
}

std::string subject_hash(const Certificate& certificate) {
  BIO* bio = BIO_new_mem_buf(certificate.certificate.data(),
                             static_cast<int>(certificate.certificate.size()));
  X509* parsed = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  REQUIRE(parsed);
  std::string hash = fmt::format("{:08x}", X509_subject_name_hash(parsed));
  X509_free(parsed);
  BIO_free(bio);
  return hash;
}

const Certificate& authority() {
  static const Certificate made = [] {
    CertificateOptions options;
    options.common_name = "Test CA";
    options.authority = true;
    return make_certificate(options);
  }();
  return made;
}

}  // namespace mail::test
