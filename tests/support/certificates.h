#pragma once

#include <memory>
#include <string>
#include <vector>

namespace mail::test {

struct CertificateOptions {
  std::string common_name = "mail.example.org";
  std::vector<std::string> dns_names = {"mail.example.org"};
  bool authority = false;
  bool rsa = false;          ///< 2048 bits; else P-256
  bool client_only = false;  ///< extended key usage clientAuth
  long valid_from = -3600;   ///< seconds from now
  long valid_until = 86400;
};

/// A key and a certificate in PEM, made in the test.
struct Certificate {
  std::string certificate;
  std::string key;
};

/// Signed by `issuer`, by itself when that is null.
Certificate make_certificate(const CertificateOptions& options,
                             const Certificate* issuer = nullptr);
/// The name that `openssl rehash` gives a certificate, without the ".0".
std::string subject_hash(const Certificate& certificate);
/// The test's root.
const Certificate& authority();

}  // namespace mail::test
