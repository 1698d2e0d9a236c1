#include "common/tls/credential.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "common/crypto/secret.h"

namespace mail::tls {

namespace {

struct Objects {
  struct Item {
    KeyPtr key;  // one of the two
    CertificatePtr certificate;
  };
  std::vector<Item> items;
};

std::string last_reason() {
  unsigned long code = ERR_peek_last_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason ? reason : "not understood";
}

Result<Objects> parse_objects(std::string_view pem) {
  Objects out;
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  char *name = nullptr, *header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  while (PEM_read_bio(bio.get(), &name, &header, &data, &size) == 1) {
    std::string_view kind = name;
    bool encrypted = header[0] != '\0' || kind == "ENCRYPTED PRIVATE KEY";
    bool is_key = kind.ends_with("PRIVATE KEY");
    bool is_certificate = kind == "CERTIFICATE" || kind == "X509 CERTIFICATE";
    Objects::Item item;
    const unsigned char* at = data;
    if (is_key && !encrypted) {
      item.key.reset(d2i_AutoPrivateKey(nullptr, &at, size));
    } else if (is_certificate) {
      item.certificate.reset(d2i_X509(nullptr, &at, size));
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<size_t>(size));
    if (is_key && encrypted) {
      return fail(Fault::Config, "the private key is encrypted");
    }
    if (is_key && !item.key) {
      return fail(Fault::Config, "bad private key: " + last_reason());
    }
    if (is_certificate && !item.certificate) {
      return fail(Fault::Config, "bad certificate: " + last_reason());
    }
    if (is_key || is_certificate) out.items.push_back(std::move(item));
  }
  unsigned long end = ERR_peek_last_error();
  if (ERR_GET_REASON(end) != PEM_R_NO_START_LINE) {
    return fail(Fault::Config, "bad PEM text: " + last_reason());
  }
  ERR_clear_error();
  return out;
}

Result<> check(const Credential& credential) {
  if (X509_check_private_key(credential.leaf.get(), credential.key.get()) ==
      1) {
    return {};
  }
  ERR_clear_error();
  return fail(Fault::Config,
              "the private key does not belong to the certificate");
}

template <class Use>
Result<> use(const Credential& credential, Use call) {
  STACK_OF(X509)* chain = sk_X509_new_null();
  for (const auto& issuer : credential.chain) {
    sk_X509_push(chain, issuer.get());
  }
  int ok = call(credential.leaf.get(), credential.key.get(), chain);
  sk_X509_free(chain);  // not the certificates: they have been counted
  if (ok == 1) return {};
  return fail(Fault::Config, last_reason());
}

}  // namespace

WallTime Credential::expires() const {
  tm when{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf.get()), &when) != 1) return {};
  return WallClock::from_time_t(timegm(&when));
}

Result<std::vector<Credential>> parse_chains(std::string_view pem) {
  Objects objects = TRY(parse_objects(pem));
  std::vector<Credential> out;
  for (auto& item : objects.items) {
    if (item.key) {
      if (!out.empty() && !out.back().leaf) {
        return fail(Fault::Config, "a key without a certificate after it");
      }
      out.emplace_back().key = std::move(item.key);
    } else if (out.empty()) {
      return fail(Fault::Config, "a certificate without a key before it");
    } else if (!out.back().leaf) {
      out.back().leaf = std::move(item.certificate);
    } else {
      out.back().chain.push_back(std::move(item.certificate));
    }
  }
  if (out.empty()) return fail(Fault::Config, "no certificate in it");
  if (!out.back().leaf) {
    return fail(Fault::Config, "a key without a certificate after it");
  }
  for (const auto& credential : out) TRY(check(credential));
  return out;
}

Result<Credential> parse_pair(std::string_view certificate_pem,
                              std::string_view key_pem) {
  Credential out;
  Objects certificates = TRY(parse_objects(certificate_pem));
  for (auto& item : certificates.items) {
    if (!item.certificate) continue;
    if (!out.leaf) {
      out.leaf = std::move(item.certificate);
    } else {
      out.chain.push_back(std::move(item.certificate));
    }
  }
  Objects keys = TRY(parse_objects(key_pem));
  for (auto& item : keys.items) {
    if (item.key && !out.key) out.key = std::move(item.key);
  }
  if (!out.leaf) return fail(Fault::Config, "no certificate in it");
  if (!out.key) return fail(Fault::Config, "no private key in its key file");
  TRY(check(out));
  return out;
}

Result<> use_credential(SSL_CTX* context, const Credential& credential) {
  return use(credential, [&](X509* leaf, EVP_PKEY* key, STACK_OF(X509) * c) {
    return SSL_CTX_use_cert_and_key(context, leaf, key, c, 1);
  });
}

Result<> use_credential(SSL* ssl, const Credential& credential) {
  return use(credential, [&](X509* leaf, EVP_PKEY* key, STACK_OF(X509) * c) {
    return SSL_use_cert_and_key(ssl, leaf, key, c, 1);
  });
}

}  // namespace mail::tls
