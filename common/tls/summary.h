#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace mail::tls {

enum class Role { Server, Client };

/// How far the peer's certificate is to be believed; `Anonymous`: it has none.
enum class Trust { Anonymous, Untrusted, Trusted, Verified };

/// What a finished handshake has agreed on.
struct Summary {
  Role role = Role::Server;
  Trust trust = Trust::Anonymous;
  bool reused = false;   ///< a session was resumed
  std::string protocol;  ///< "TLSv1.3"
  std::string cipher;    ///< "TLS_AES_256_GCM_SHA384"
  int used_bits = 0, algorithm_bits = 0;
  std::string key_exchange;      ///< "X25519", "DHE (2048 bits)"; may be empty
  std::string server_signature;  ///< "RSA-PSS (2048 bits)"; may be empty
  std::string server_digest;     ///< "SHA256"
  std::string client_signature, client_digest;
  std::string sni;  ///< the name a client has asked for, if we have used it

  /// The peer's certificate; all empty without one.
  bool has_certificate = false;
  bool chain_trusted = false;  ///< by our CAs, now
  bool matched = false;        ///< Verified: names or fingerprints agree
  bool certificate_requested = false;
  std::string peer_cn, issuer_cn;  ///< printable
  std::string subject, issuer;     ///< "/C=XX/O=.../CN=..."
  std::string matched_name;        ///< of the certificate, at verify, secure
  /// "0A:F3:..." with the configured digest.
  std::string certificate_fingerprint, key_fingerprint;
  /// Why the chain is not trusted, ready for the log behind the peer's name:
  /// see chain_problem_line().
  struct Problem {
    /// Chain: of the whole chain; Certificate: of one side's certificate.
    enum class Kind { Chain, Certificate } kind = Kind::Chain;
    std::string text;
  };
  std::vector<Problem> problems;
};

/// "TLSv1.3 with cipher X (256/256 bits) key-exchange X25519 ..."
std::string cipher_text(const Summary& summary);

/// "Anonymous TLS connection established from H[A]: ..." (server) or
/// "Verified TLS connection reused to H[A]:25: ..." (client).
std::string established_line(const Summary& summary, std::string_view peer);

/// The lines of a Received header, each with its leading tab and without its
/// end: "\t(using TLSv1.3 with cipher ...", ..., "\t(No client certificate
/// requested)".
std::vector<std::string> received_lines(const Summary& summary);

/// "PEER: subject_CN=X, issuer_CN=Y, fingerprint=..., pkey_fingerprint=..."
std::string certificate_line(const Summary& summary, std::string_view peer);

/// "certificate verification failed for PEER: untrusted issuer /CN=..."
std::string chain_problem_line(const Summary& summary,
                               const Summary::Problem& problem,
                               std::string_view peer);

/// "SSL_accept error from PEER: -1", or ": lost connection", or errno's text.
std::string handshake_failed_line(Role role, std::string_view peer,
                                  const Error& error);

}  // namespace mail::tls
