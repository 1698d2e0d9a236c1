#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::tls {

/// Where our own certificates lie. Each pair is one algorithm (RSA, DSA, EC).
struct CertificateFiles {
  struct Pair {
    std::string certificate;
    std::string key;  ///< the same file when empty
  };
  /// smtpd_tls_chain_files: in each file, a key and then its chain, repeated.
  /// When not empty, `pairs` is ignored.
  std::vector<std::string> chain_files;
  /// Pairs with an empty certificate name, and "none", are skipped.
  std::vector<Pair> pairs;

  bool empty() const;
};

/// tls_*_cipherlist: what the grades mean. Defaults are Postfix's.
struct CipherLists {
  std::string high = "aNULL:-aNULL:HIGH:@STRENGTH";
  std::string medium = "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH";
  std::string low = "aNULL:-aNULL:HIGH:MEDIUM:LOW:+RC4:@STRENGTH";
  std::string export_grade =
      "aNULL:-aNULL:HIGH:MEDIUM:LOW:EXPORT:+RC4:@STRENGTH";
  std::string null = "eNULL:!aNULL";
};

/// What servers and clients have in common (postconf(5), tls_*).
struct CommonOptions {
  CertificateFiles certificates;
  std::string ca_file, ca_path;
  bool append_default_ca = false;
  CipherLists cipher_lists;
  /// What smtpd_tls_eecdh_grade stands for: tls_eecdh_auto_curves, or
  /// tls_eecdh_strong_curve, or tls_eecdh_ultra_curve.
  std::string eecdh_curves = "X25519 X448 prime256v1 secp521r1 secp384r1";
  std::string ssl_options;          ///< tls_ssl_options
  std::string disable_workarounds;  ///< tls_disable_workarounds
  std::string fingerprint_digest = "sha256";
};

/// A server's TLS, from the effective smtpd_tls_* (or imap's ...) settings.
struct ServerOptions : CommonOptions {
  /// Asked for, never enforced here: see Summary::has_certificate,
  /// chain_trusted.
  enum class ClientCertificate { None, Ask };

  /// The name of the certificate parameter, for texts: "smtpd_tls_cert_file".
  std::string parameter = "smtpd_tls_cert_file";
  std::string protocols = ">=TLSv1";
  std::string ciphers = "medium";
  std::string exclude_ciphers;  ///< several settings: joined by blanks
  bool preempt_cipherlist = false;
  std::string dh_file;  ///< empty or "auto": the 2048-bit group of RFC 7919
  /// Parameters in PEM, in place of a file; an empty text: no DH at all.
  std::optional<std::string> dh_pem;
  ClientCertificate client_certificate = ClientCertificate::None;
  int verify_depth = 9;
  bool session_tickets = true;
  std::string ticket_cipher = "aes-256-cbc";
  long session_timeout = 3600;  ///< seconds
  /// Sessions with an id are kept in this process (clients without tickets).
  bool session_cache = false;
  bool always_issue_session_ids = true;
};

/// smtp_tls_security_level.
enum class Level {
  None,
  May,
  Encrypt,
  Dane,
  DaneOnly,
  Fingerprint,
  Verify,
  Secure
};
/// Any case. nullopt: no such level.
std::optional<Level> parse_level(std::string_view text);
std::string_view name_of(Level level);

/// A client's TLS as far as all its destinations share it.
struct ClientOptions : CommonOptions {
  int verify_depth = 9;
  /// tls_wildcard_matches_multiple_labels
  bool wildcards_match_several_labels = true;
};

/// What one destination asks for; see 9.4 of the manual smtp(8).
struct ClientPolicy {
  Level level = Level::May;
  std::string protocols = ">=TLSv1";
  std::string ciphers = "medium";
  std::string exclude_ciphers;
  /// verify, secure: "hostname", "nexthop", "dot-nexthop" or a name, with a
  /// leading dot for everything below it. fingerprint: digests in hex, colons
  /// or not, of the certificate or its public key.
  std::vector<std::string> match;
  std::string servername;  ///< sent as SNI: a name, "hostname", "nexthop", ""
  std::string trust_anchor_file;  ///< tafile: instead of all other CAs
};

/// Who is on the other side.
struct ServerNames {
  std::string host;     ///< the name whose address we have connected to
  std::string nexthop;  ///< the domain that was asked for
};

}  // namespace mail::tls
