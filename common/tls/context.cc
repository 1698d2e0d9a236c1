#include "common/tls/context.h"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/base/utf8.h"

namespace mail::tls {

namespace {

struct Named {
  std::string_view name;
  uint64_t bits;
};
constexpr Named kSslOptions[] = {
    {"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
    {"NO_TICKET", SSL_OP_NO_TICKET},
    {"NO_COMPRESSION", SSL_OP_NO_COMPRESSION},
    {"NO_RENEGOTIATION", SSL_OP_NO_RENEGOTIATION},
    {"NO_SESSION_RESUMPTION_ON_RENEGOTIATION",
     SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION},
    {"PRIORITIZE_CHACHA", SSL_OP_PRIORITIZE_CHACHA},
    {"ENABLE_MIDDLEBOX_COMPAT", SSL_OP_ENABLE_MIDDLEBOX_COMPAT},
};
constexpr Named kWorkarounds[] = {
    {"CRYPTOPRO_TLSEXT_BUG", SSL_OP_CRYPTOPRO_TLSEXT_BUG},
    {"DONT_INSERT_EMPTY_FRAGMENTS", SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS},
    {"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
    {"TLSEXT_PADDING", SSL_OP_TLSEXT_PADDING},
    // Names that have lost their meaning, but stand in configurations.
    {"MICROSOFT_SESS_ID_BUG", 0},
    {"NETSCAPE_CHALLENGE_BUG", 0},
    {"NETSCAPE_REUSE_CIPHER_CHANGE_BUG", 0},
    {"SSLREF2_REUSE_CERT_TYPE_BUG", 0},
    {"MICROSOFT_BIG_SSLV3_BUFFER", 0},
    {"MSIE_SSLV2_RSA_PADDING", 0},
    {"SSLEAY_080_CLIENT_DH_BUG", 0},
    {"TLS_D5_BUG", 0},
    {"TLS_BLOCK_PADDING_BUG", 0},
    {"TLS_ROLLBACK_BUG", SSL_OP_TLS_ROLLBACK_BUG},
};

template <size_t N>
Result<uint64_t> parse_bits(std::string_view parameter, std::string_view text,
                            const Named (&known)[N]) {
  uint64_t out = 0;
  for (auto word : split(text)) {
    const Named* found = nullptr;
    for (const auto& named : known) {
      if (iequals(named.name, word)) found = &named;
    }
    if (found) {
      out |= found->bits;
    } else if (auto number = istarts_with(word, "0x")
                                 ? parse_number<uint64_t>(word.substr(2), 16)
                                 : std::nullopt) {
      out |= *number;
    } else {
      return fail(Fault::Config,
                  fmt::format("unknown {} value \"{}\" in \"{}\"", parameter,
                              printable(word), printable(text)));
    }
  }
  return out;
}

Result<> set_curves(SSL_CTX* context, const std::string& curves) {
  // Names this OpenSSL does not know are left out, as Postfix does.
  std::string known;
  for (auto word : split(curves, ", \t\r\n:")) {
    std::string one(word);
    if (SSL_CTX_set1_groups_list(context, one.c_str()) != 1) continue;
    if (!known.empty()) known += ':';
    known += one;
  }
  ERR_clear_error();
  if (known.empty()) return {};
  if (SSL_CTX_set1_groups_list(context, known.c_str()) == 1) return {};
  ERR_clear_error();
  return fail(Fault::Config, "unusable curves: " + printable(curves));
}

}  // namespace

CertificateSource::CertificateSource(RealRoot root,
                                     const CertificateFiles& files)
    : root_(std::move(root)) {
  for (const auto& path : files.chain_files) chains_.emplace_back(path);
  if (!chains_.empty()) return;
  for (const auto& pair : files.pairs) {
    if (pair.certificate.empty() || pair.certificate == "none") continue;
    pairs_.push_back(
        {WatchedFile(pair.certificate),
         WatchedFile(pair.key.empty() ? pair.certificate : pair.key)});
  }
}

Result<CertificateSource> CertificateSource::open(
    const CertificateFiles& files) {
  RealRoot root = TRY(RealRoot::open());
  CertificateSource out(std::move(root), files);
  // Who is root now will not be for long.
  if (geteuid() == 0) {
    for (const auto& file : out.chains_) out.watch_.add(file.path());
    for (const auto& pair : out.pairs_) {
      out.watch_.add(pair.certificate.path());
      out.watch_.add(pair.key.path());
    }
  }
  return out;
}

bool CertificateSource::changed() {
  bool other = false, hidden = false;
  auto look = [&](const WatchedFile& file) {
    auto seen = file.look(root_);
    other = other || seen == WatchedFile::Look::Other;
    hidden = hidden || seen == WatchedFile::Look::Hidden;
  };
  for (const auto& file : chains_) look(file);
  for (const auto& pair : pairs_) {
    look(pair.certificate);
    if (pair.key.path() != pair.certificate.path()) look(pair.key);
  }
  // Always emptied, so that the queue does not fill.
  bool events = watch_.take_events();
  return other || (hidden && events);
}

Result<std::vector<Credential>> CertificateSource::load() {
  std::vector<Credential> out;
  std::string all;
  // Each file is looked at even when one fails: all count as seen.
  std::optional<Error> first;
  auto take = [&](WatchedFile& file) -> std::string {
    auto text = file.read(root_);
    if (text) return std::move(*text);
    if (!first) first = std::move(text).error();
    return "";
  };
  for (auto& file : chains_) all += take(file) + "\n";
  std::vector<std::pair<std::string, std::string>> texts;
  for (auto& pair : pairs_) {
    std::string certificate = take(pair.certificate);
    texts.emplace_back(std::move(certificate), take(pair.key));
  }
  if (first) return fail(std::move(*first));
  if (!chains_.empty()) {
    auto parsed = parse_chains(all);
    if (parsed) return parsed;
    return fail(Fault::Config, chains_[0].path() + ": " + parsed.error().what);
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    auto parsed = parse_pair(texts[i].first, texts[i].second);
    if (!parsed) {
      return fail(
          Fault::Config,
          fmt::format("{} with key {}: {}", pairs_[i].certificate.path(),
                      pairs_[i].key.path(), parsed.error().what));
    }
    out.push_back(std::move(*parsed));
  }
  return out;
}

Result<ContextPtr> make_context(Role role, const CommonOptions& options,
                                const RealRoot& root) {
  ContextPtr out(SSL_CTX_new(role == Role::Server ? TLS_server_method()
                                                  : TLS_client_method()));
  if (!out) return fail(Fault::Temporary, "no TLS context");
  SSL_CTX* context = out.get();
  // An idle session gives its 34 KiB of buffers back; see the memory budget.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  // Grades and protocol lists decide, not the library's own taste.
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, 0);
  SSL_CTX_set_max_proto_version(context, 0);
  uint64_t disabled = TRY(parse_bits(
      "tls_disable_workarounds", options.disable_workarounds, kWorkarounds));
  uint64_t enabled =
      TRY(parse_bits("tls_ssl_options", options.ssl_options, kSslOptions));
  // A peer that renegotiates only costs us; nobody does so in mail.
  uint64_t bits = SSL_OP_ALL | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                  SSL_OP_ENABLE_MIDDLEBOX_COMPAT;
  if (role == Role::Client) bits |= SSL_OP_LEGACY_SERVER_CONNECT;
  SSL_CTX_clear_options(context, ~uint64_t{0});
  SSL_CTX_set_options(context, (bits & ~disabled) | enabled);
  TRY(set_curves(context, options.eecdh_curves));
  TRY(add_authorities(SSL_CTX_get_cert_store(context), root, options.ca_file,
                      options.ca_path));
  if (options.append_default_ca) {
    SSL_CTX_set_default_verify_paths(context);
  }
  ERR_clear_error();
  return out;
}

namespace {

uint64_t disabled_bits(const Protocols& protocols) {
  constexpr uint64_t kNo[] = {SSL_OP_NO_SSLv3, SSL_OP_NO_TLSv1,
                              SSL_OP_NO_TLSv1_1, SSL_OP_NO_TLSv1_2,
                              SSL_OP_NO_TLSv1_3};
  uint64_t out = 0;
  for (size_t i = 0; i < std::size(kNo); ++i) {
    if (protocols.excluded >> i & 1) out |= kNo[i];
  }
  return out;
}

Result<> no_cipher(const std::string& ciphers) {
  ERR_clear_error();
  return fail(Fault::Config, "no usable TLS cipher in \"" + ciphers + "\"");
}

}  // namespace

Result<> set_protocols_and_ciphers(SSL_CTX* context, const Protocols& protocols,
                                   const std::string& ciphers) {
  SSL_CTX_set_min_proto_version(context, protocols.least);
  SSL_CTX_set_max_proto_version(context, protocols.most);
  SSL_CTX_set_options(context, disabled_bits(protocols));
  if (SSL_CTX_set_cipher_list(context, ciphers.c_str()) == 1) return {};
  return no_cipher(ciphers);
}

Result<> set_protocols_and_ciphers(SSL* ssl, const Protocols& protocols,
                                   const std::string& ciphers) {
  SSL_set_min_proto_version(ssl, protocols.least);
  SSL_set_max_proto_version(ssl, protocols.most);
  SSL_set_options(ssl, disabled_bits(protocols));
  if (SSL_set_cipher_list(ssl, ciphers.c_str()) == 1) return {};
  return no_cipher(ciphers);
}

}  // namespace mail::tls
