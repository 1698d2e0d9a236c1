#include "common/tls/peer_check.h"

#include <fmt/core.h>
#include <openssl/core_names.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "common/base/utf8.h"

namespace mail::tls {

namespace {

std::string name_line(const X509_NAME* name) {
  char* text = X509_NAME_oneline(name, nullptr, 0);
  std::string out = text ? printable(text) : "";
  OPENSSL_free(text);
  return out;
}

// The last CN, else the last organisation: what people call it. Names with a
// NUL or other control bytes are nobody's.
std::string common_name(const X509_NAME* name) {
  for (int nid : {NID_commonName, NID_organizationName}) {
    int at = -1, last = -1;
    while ((at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0) last = at;
    if (last < 0) continue;
    ASN1_STRING* value =
        X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last));
    unsigned char* utf8 = nullptr;
    int size = ASN1_STRING_to_UTF8(&utf8, value);
    if (size < 0) continue;
    std::string out(reinterpret_cast<char*>(utf8), static_cast<size_t>(size));
    OPENSSL_free(utf8);
    if (out.find('\0') != std::string::npos) continue;
    return printable(out.substr(0, 255));
  }
  return "";
}

std::string der_digest(crypto::Hash hash, int size, unsigned char* der) {
  if (size <= 0) return "";
  std::string out = crypto::digest(
      hash, {reinterpret_cast<char*>(der), static_cast<size_t>(size)});
  OPENSSL_free(der);
  return out;
}

std::string certificate_digest(crypto::Hash hash, X509* certificate) {
  unsigned char* der = nullptr;
  int size = i2d_X509(certificate, &der);
  return der_digest(hash, size, der);
}

std::string key_digest(crypto::Hash hash, X509* certificate) {
  unsigned char* der = nullptr;
  int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  return der_digest(hash, size, der);
}

Summary::Problem problem_of(long error, X509* certificate, Role role,
                            int verify_depth) {
  using Kind = Summary::Problem::Kind;
  switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return {Kind::Chain,
              "untrusted issuer " +
                  (certificate ? name_line(X509_get_issuer_name(certificate))
                               : std::string())};
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return {Kind::Chain, "self-signed certificate"};
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_REJECTED:
      return {Kind::Chain, "not trusted by local or TLSA policy"};
    case X509_V_ERR_INVALID_CA:
      return {Kind::Chain, "not designated for use as a CA certificate"};
    case X509_V_ERR_INVALID_PURPOSE:
      return {Kind::Chain,
              fmt::format("not designated for use as a {} certificate",
                          role == Role::Client ? "server" : "client")};
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      return {
          Kind::Chain,
          fmt::format("certificate chain longer than limit({})", verify_depth)};
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {Kind::Certificate, "certificate has expired"};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {Kind::Certificate, "certificate not yet valid"};
    default:
      return {Kind::Certificate,
              fmt::format("num={}:{}", error,
                          X509_verify_cert_error_string(error))};
  }
}

// "ECDSA (prime256v1)", "RSA-PSS (2048 bits)", "ED25519".
std::string key_text(EVP_PKEY* key, bool rsa_pss) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return fmt::format("{} ({} bits)", rsa_pss ? "RSA-PSS" : "RSA",
                         EVP_PKEY_get_bits(key));
    case EVP_PKEY_EC: {
      char group[80] = "";
      size_t size = 0;
      EVP_PKEY_get_group_name(key, group, sizeof(group), &size);
      return fmt::format("ECDSA ({})", group);
    }
    case EVP_PKEY_DH:
      return fmt::format("DHE ({} bits)", EVP_PKEY_get_bits(key));
    default: {
      const char* name = OBJ_nid2sn(EVP_PKEY_get_base_id(key));
      return name ? name : "unknown";
    }
  }
}

std::string exchange_text(const SSL* ssl) {
  EVP_PKEY* raw = nullptr;
  if (SSL_get_peer_tmp_key(const_cast<SSL*>(ssl), &raw) != 1) return "";
  KeyPtr key(raw);
  if (EVP_PKEY_get_base_id(raw) == EVP_PKEY_EC) {
    char group[80] = "";
    size_t size = 0;
    EVP_PKEY_get_group_name(raw, group, sizeof(group), &size);
    return fmt::format("ECDHE ({})", group);
  }
  return key_text(raw, false);
}

void describe_signature(EVP_PKEY* key, int signature_nid, int digest_nid,
                        std::string& signature, std::string& digest) {
  if (!key) return;
  signature = key_text(key, signature_nid == EVP_PKEY_RSA_PSS);
  // Ed25519 and its like have no digest apart.
  if (digest_nid != NID_undef) digest = OBJ_nid2sn(digest_nid);
}

// Only TLS 1.3 is described so: before it, the cipher's name says it all.
void describe_exchange(const SSL* ssl, Role role, X509* peer, Summary& out) {
  if (SSL_version(ssl) < TLS1_3_VERSION) return;
  out.key_exchange = exchange_text(ssl);
  auto* s = const_cast<SSL*>(ssl);
  int ours = NID_undef, our_digest = NID_undef;
  int theirs = NID_undef, their_digest = NID_undef;
  SSL_get_signature_type_nid(ssl, &ours);
  SSL_get_signature_nid(s, &our_digest);
  SSL_get_peer_signature_type_nid(ssl, &theirs);
  SSL_get_peer_signature_nid(s, &their_digest);
  EVP_PKEY* peer_key = peer ? X509_get0_pubkey(peer) : nullptr;
  X509* own = SSL_get_certificate(ssl);
  EVP_PKEY* own_key = own ? X509_get0_pubkey(own) : nullptr;
  bool server = role == Role::Server;
  // A resumed session has signed nothing: of the server's key Postfix still
  // tells the kind, without a digest.
  if (ours == NID_undef && !server) own_key = nullptr;
  if (theirs == NID_undef && server) peer_key = nullptr;
  describe_signature(server ? own_key : peer_key, server ? ours : theirs,
                     server ? our_digest : their_digest, out.server_signature,
                     out.server_digest);
  // Without a certificate of the client nobody has signed on its side.
  describe_signature(server ? peer_key : own_key, server ? theirs : ours,
                     server ? their_digest : our_digest, out.client_signature,
                     out.client_digest);
}

bool fingerprint_matches(const PeerCheck& check, X509* peer) {
  std::string whole = certificate_digest(check.digest, peer);
  std::string key = key_digest(check.digest, peer);
  return std::any_of(check.fingerprints.begin(), check.fingerprints.end(),
                     [&](const auto& f) { return f == whole || f == key; });
}

void judge(const SSL* ssl, X509* peer, const PeerCheck& check, Summary& out) {
  long verified = SSL_get_verify_result(ssl);
  out.chain_trusted = verified == X509_V_OK;
  if (check.level == Level::Fingerprint) {
    out.matched = fingerprint_matches(check, peer);
    out.chain_trusted = out.matched;
    out.problems.clear();
    if (!out.matched) {
      out.problems.push_back(problem_of(X509_V_ERR_DANE_NO_MATCH, nullptr,
                                        out.role, check.verify_depth));
    }
  } else if (check.level == Level::Verify || check.level == Level::Secure) {
    // The names were part of the verification.
    out.matched = out.chain_trusted;
    if (const char* name = SSL_get0_peername(const_cast<SSL*>(ssl))) {
      out.matched_name = printable(name);
    }
  }
  out.trust = out.matched         ? Trust::Verified
              : out.chain_trusted ? Trust::Trusted
                                  : Trust::Untrusted;
}

}  // namespace

int verify_peer(X509_STORE_CTX* store, PeerCheck& check, Role role) {
  X509_STORE_CTX_set_depth(store, check.verify_depth);
  if (X509_verify_cert(store) != 1) {
    int error = X509_STORE_CTX_get_error(store);
    if (error == X509_V_OK) {
      error = X509_V_ERR_UNSPECIFIED;
      X509_STORE_CTX_set_error(store, error);
    }
    check.problems.push_back(problem_of(error,
                                        X509_STORE_CTX_get_current_cert(store),
                                        role, check.verify_depth));
  }
  return 1;
}

Summary summarize(const SSL* ssl, Role role, const PeerCheck& check) {
  Summary out;
  out.role = role;
  out.reused = SSL_session_reused(const_cast<SSL*>(ssl)) == 1;
  out.protocol = SSL_get_version(ssl);
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
  out.cipher = SSL_CIPHER_get_name(cipher);
  out.used_bits = SSL_CIPHER_get_bits(cipher, &out.algorithm_bits);
  out.certificate_requested = check.requested;
  out.problems = check.problems;
  out.sni = check.sni;
  X509* peer = SSL_get0_peer_certificate(ssl);
  describe_exchange(ssl, role, peer, out);
  if (!peer) return out;
  out.has_certificate = true;
  out.subject = name_line(X509_get_subject_name(peer));
  out.issuer = name_line(X509_get_issuer_name(peer));
  out.peer_cn = common_name(X509_get_subject_name(peer));
  out.issuer_cn = common_name(X509_get_issuer_name(peer));
  out.certificate_fingerprint =
      crypto::colon_hex(certificate_digest(check.digest, peer));
  out.key_fingerprint = crypto::colon_hex(key_digest(check.digest, peer));
  judge(ssl, peer, check, out);
  return out;
}

}  // namespace mail::tls
