#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "common/tls/context.h"

namespace mail::tls {

namespace {

std::vector<CertificatePtr> read_certificates(const std::string& pem) {
  std::vector<CertificatePtr> out;
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (X509* certificate =
             PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)) {
    out.emplace_back(certificate);
  }
  ERR_clear_error();
  return out;
}

// A directory of HASH.N files, read through the root of before the chroot:
// OpenSSL's own lookup would need a copy of it in the jail.
struct Directory {
  RealRoot root;
  std::string path;
};

int find_by_subject(X509_LOOKUP* lookup, X509_LOOKUP_TYPE type,
                    const X509_NAME* name, X509_OBJECT* found) {
  if (type != X509_LU_X509 || !name) return 0;
  auto* directory =
      static_cast<Directory*>(X509_LOOKUP_get_method_data(lookup));
  unsigned long hash = X509_NAME_hash_ex(name, nullptr, nullptr, nullptr);
  X509_STORE* store = X509_LOOKUP_get_store(lookup);
  bool any = false;
  for (int i = 0; i < 16; ++i) {
    WatchedFile file(fmt::format("{}/{:08x}.{}", directory->path, hash, i));
    auto pem = file.read(directory->root);
    if (!pem) break;
    for (auto& certificate : read_certificates(*pem)) {
      if (X509_NAME_cmp(X509_get_subject_name(certificate.get()), name) != 0) {
        continue;
      }
      X509_STORE_add_cert(store, certificate.get());
      if (any) continue;
      any = true;
      // The caller borrows the store's reference and counts its own.
      X509_OBJECT_set1_X509(found, certificate.get());
      X509_free(certificate.get());
    }
  }
  return any ? 1 : 0;
}

void free_lookup(X509_LOOKUP* lookup) {
  delete static_cast<Directory*>(X509_LOOKUP_get_method_data(lookup));
}

X509_LOOKUP_METHOD* directory_method() {
  static X509_LOOKUP_METHOD* const made = [] {
    X509_LOOKUP_METHOD* m = X509_LOOKUP_meth_new("directory outside the jail");
    X509_LOOKUP_meth_set_get_by_subject(m, find_by_subject);
    X509_LOOKUP_meth_set_free(m, free_lookup);
    return m;
  }();
  return made;
}

}  // namespace

Result<> add_authorities(X509_STORE* store, const RealRoot& root,
                         const std::string& file, const std::string& path) {
  if (!file.empty()) {
    std::string pem = TRY(WatchedFile(file).read(root, 16 << 20));
    auto certificates = read_certificates(pem);
    if (certificates.empty()) {
      return fail(Fault::Config, file + ": no certificate in it");
    }
    for (auto& certificate : certificates) {
      X509_STORE_add_cert(store, certificate.get());
    }
    ERR_clear_error();
  }
  if (path.empty()) return {};
  RealRoot own = TRY(root.duplicate());
  X509_LOOKUP* lookup = X509_STORE_add_lookup(store, directory_method());
  X509_LOOKUP_set_method_data(lookup, new Directory{std::move(own), path});
  return {};
}

}  // namespace mail::tls
