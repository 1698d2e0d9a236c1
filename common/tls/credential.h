#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/tls/openssl.h"

namespace mail::tls {

/// A private key, its certificate, and what leads to a root.
struct Credential {
  KeyPtr key;
  CertificatePtr leaf;
  std::vector<CertificatePtr> chain;

  WallTime expires() const;
};

/// Keys and chains in one text: each key stands before its own certificate, the
/// issuers follow (smtpd_tls_chain_files, tls_server_sni_maps).
/// Errors: Config, "...: reason" without a file name.
Result<std::vector<Credential>> parse_chains(std::string_view pem);

/// A certificate file (the issuers after it) and a key file, perhaps the same.
Result<Credential> parse_pair(std::string_view certificate_pem,
                              std::string_view key_pem);

/// Errors: Config, OpenSSL's reason.
Result<> use_credential(SSL_CTX* context, const Credential& credential);
Result<> use_credential(SSL* ssl, const Credential& credential);

}  // namespace mail::tls
