#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/real_root.h"
#include "common/tls/credential.h"
#include "common/tls/directory_watch.h"
#include "common/tls/options.h"
#include "common/tls/protocols.h"
#include "common/tls/summary.h"

namespace mail::tls {

/// The files of a CommonOptions, as they were when privileged and as they are
/// now.
class CertificateSource {
 public:
  /// Opens no file yet. Errors: "open /: reason".
  static Result<CertificateSource> open(const CertificateFiles& files);

  /// Any file differs from what load() has seen, as far as we may look; where
  /// we may not any more, something has happened to its name.
  bool changed();
  /// Reads all again. Errors: Config with the file's name and the reason; sys
  /// is errno if it could not be opened.
  Result<std::vector<Credential>> load();
  const RealRoot& root() const { return root_; }

 private:
  struct Pair {
    WatchedFile certificate, key;
  };
  CertificateSource(RealRoot root, const CertificateFiles& files);

  RealRoot root_;
  std::vector<WatchedFile> chains_;
  std::vector<Pair> pairs_;
  DirectoryWatch watch_;
};

/// A context for one side with everything of `options` but certificates and
/// ciphers. Errors: Config, naming the setting.
Result<ContextPtr> make_context(Role role, const CommonOptions& options,
                                const RealRoot& root);

/// For all connections of a context, or for one, which costs it some KiB.
/// Errors: Config, the cipher list has no cipher.
Result<> set_protocols_and_ciphers(SSL_CTX* context, const Protocols& protocols,
                                   const std::string& ciphers);
Result<> set_protocols_and_ciphers(SSL* ssl, const Protocols& protocols,
                                   const std::string& ciphers);

/// Certificate authorities of a file (all of them) and of a hashed directory
/// (looked up when needed, from inside a chroot too).
Result<> add_authorities(X509_STORE* store, const RealRoot& root,
                         const std::string& file, const std::string& path);

}  // namespace mail::tls
