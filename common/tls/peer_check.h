#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/crypto/digest.h"
#include "common/tls/openssl.h"
#include "common/tls/options.h"
#include "common/tls/summary.h"

namespace mail::tls {

/// What an engine must know of its peer's certificate, and finds out.
struct PeerCheck {
  Level level = Level::May;  ///< a server's: May
  bool requested = false;    ///< a certificate is asked for
  int verify_depth = 9;
  crypto::Hash digest = crypto::Hash::Sha256;
  std::vector<std::string> fingerprints;  ///< raw bytes
  std::string sni;                        ///< server: used for its certificate
  std::vector<Summary::Problem> problems;
};

/// Verifies the chain of `store`, never ends the handshake: what is wrong goes
/// to `check` and, as OpenSSL's verify result, with the session.
int verify_peer(X509_STORE_CTX* store, PeerCheck& check, Role role);

/// Everything about a finished handshake.
Summary summarize(const SSL* ssl, Role role, const PeerCheck& check);

}  // namespace mail::tls
