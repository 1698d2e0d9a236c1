#include "common/tls/summary.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>

namespace mail::tls {

namespace {

std::string_view trust_word(Trust trust) {
  switch (trust) {
    case Trust::Anonymous:
      return "Anonymous";
    case Trust::Untrusted:
      return "Untrusted";
    case Trust::Trusted:
      return "Trusted";
    case Trust::Verified:
      return "Verified";
  }
  return "";
}

std::string protocol_text(const Summary& s) {
  return fmt::format("{} with cipher {} ({}/{} bits)", s.protocol, s.cipher,
                     s.used_bits, s.algorithm_bits);
}

std::string signature_text(std::string_view side, std::string_view signature,
                           std::string_view digest) {
  if (signature.empty()) return "";
  std::string out = fmt::format("{}-signature {}", side, signature);
  if (!digest.empty()) out += fmt::format(" {}-digest {}", side, digest);
  return out;
}

// The three groups behind the cipher; the first and second share a line of
// the Received header.
std::string exchange_group(const Summary& s) {
  std::string out;
  if (!s.key_exchange.empty()) out = "key-exchange " + s.key_exchange;
  std::string server =
      signature_text("server", s.server_signature, s.server_digest);
  if (!out.empty() && !server.empty()) out += ' ';
  return out + server;
}

}  // namespace

std::string cipher_text(const Summary& s) {
  std::string out = protocol_text(s);
  for (const auto& part :
       {exchange_group(s),
        signature_text("client", s.client_signature, s.client_digest)}) {
    if (!part.empty()) out += " " + part;
  }
  return out;
}

std::string established_line(const Summary& s, std::string_view peer) {
  std::string to_sni;
  if (s.role == Role::Server && !s.sni.empty()) to_sni = " to " + s.sni;
  // Postfix says so of resumed sessions too.
  return fmt::format(
      "{} TLS connection established {} {}{}: {}", trust_word(s.trust),
      s.role == Role::Server ? "from" : "to", peer, to_sni, cipher_text(s));
}

std::vector<std::string> received_lines(const Summary& s) {
  std::vector<std::string> out{"\t(using " + protocol_text(s)};
  for (const auto& part :
       {exchange_group(s),
        signature_text("client", s.client_signature, s.client_digest)}) {
    if (!part.empty()) out.push_back("\t " + part);
  }
  out.back() += ')';
  if (s.has_certificate) {
    out.push_back(fmt::format(
        "\t(Client CN \"{}\", Issuer \"{}\" ({}))", s.peer_cn, s.issuer_cn,
        s.chain_trusted ? "verified OK" : "not verified"));
  } else if (s.certificate_requested) {
    out.push_back("\t(Client did not present a certificate)");
  } else {
    out.push_back("\t(No client certificate requested)");
  }
  return out;
}

std::string certificate_line(const Summary& s, std::string_view peer) {
  return fmt::format(
      "{}: subject_CN={}, issuer_CN={}, fingerprint={}, pkey_fingerprint={}",
      peer, s.peer_cn, s.issuer_cn, s.certificate_fingerprint,
      s.key_fingerprint);
}

std::string chain_problem_line(const Summary& s,
                               const Summary::Problem& problem,
                               std::string_view peer) {
  std::string_view side;
  if (problem.kind == Summary::Problem::Kind::Certificate) {
    side = s.role == Role::Server ? "client " : "server ";
  }
  return fmt::format("{}certificate verification failed for {}: {}", side, peer,
                     problem.text);
}

std::string handshake_failed_line(Role role, std::string_view peer,
                                  const Error& error) {
  std::string reason = "-1";
  if (error.sys == ECONNRESET) {
    reason = "lost connection";
  } else if (error.sys != 0) {
    char buffer[128];
    reason = strerror_r(error.sys, buffer, sizeof(buffer));
  }
  return fmt::format("{} error {} {}: {}",
                     role == Role::Server ? "SSL_accept" : "SSL_connect",
                     role == Role::Server ? "from" : "to", peer, reason);
}

}  // namespace mail::tls
