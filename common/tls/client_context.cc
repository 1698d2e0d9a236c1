#include "common/tls/client_context.h"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/utf8.h"
#include "common/net/address.h"
#include "common/tls/context.h"
#include "common/tls/peer_check.h"

namespace mail::tls {

namespace {

constexpr auto kFileInterval = std::chrono::seconds(1);

// "nexthop" and its like made into names; a leading dot takes all below.
std::vector<std::string> names_to_match(const ClientPolicy& policy,
                                        const ServerNames& names) {
  std::vector<std::string> out;
  for (const auto& pattern : policy.match) {
    std::string name = pattern;
    if (iequals(pattern, "hostname")) {
      name = names.host;
    } else if (iequals(pattern, "nexthop")) {
      name = names.nexthop;
    } else if (iequals(pattern, "dot-nexthop")) {
      name = names.nexthop.empty() ? "" : "." + names.nexthop;
    }
    if (!name.empty()) out.push_back(lower(name));
  }
  return out;
}

std::string server_name(const ClientPolicy& policy, const ServerNames& names) {
  std::string name = policy.servername;
  if (iequals(name, "hostname")) name = names.host;
  if (iequals(name, "nexthop")) name = names.nexthop;
  // An address is no name (RFC 6066, 3).
  return net::IpAddress::parse(name) ? "" : name;
}

bool matches_names(Level level) {
  return level == Level::Verify || level == Level::Secure;
}

Result<std::vector<std::string>> fingerprints(const ClientPolicy& policy,
                                              crypto::Hash hash) {
  std::vector<std::string> out;
  for (const auto& text : policy.match) {
    std::string digits;
    for (char c : text) {
      if (c != ':') digits += c;
    }
    auto bytes = crypto::unhex(digits);
    if (bytes && bytes->size() == crypto::digest_size(hash)) {
      out.push_back(std::move(*bytes));
    }
  }
  if (out.empty()) {
    return fail(Fault::Config, "no usable fingerprint to match");
  }
  return out;
}

}  // namespace

struct ClientContext::State {
  ClientOptions options;
  crypto::Hash digest;
  CertificateSource source;
  WatchedFile ca_file;
  ContextPtr context;
  std::vector<std::string> problems;
  std::optional<Instant> looked_at;

  State(ClientOptions o, crypto::Hash d, CertificateSource s)
      : options(std::move(o)),
        digest(d),
        source(std::move(s)),
        ca_file(options.ca_file) {}

  Result<> build();
  Result<> apply(SSL* ssl, const ClientPolicy& policy, const ServerNames& names,
                 PeerCheck& check) const;
  Result<> apply_names(SSL* ssl, const ClientPolicy& policy,
                       const ServerNames& names) const;
  static int on_verify(X509_STORE_CTX* store, void*);
};

int ClientContext::State::on_verify(X509_STORE_CTX* store, void*) {
  auto* ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* engine = static_cast<Engine*>(SSL_get_app_data(ssl));
  return verify_peer(store, *engine->check_, Role::Client);
}

Result<> ClientContext::State::build() {
  if (!options.ca_file.empty()) {
    (void)ca_file.read(source.root(), 16 << 20);  // seen from now on
  }
  ContextPtr out = TRY(make_context(Role::Client, options, source.root()));
  std::vector<Credential> credentials = TRY(source.load());
  for (const auto& credential : credentials) {
    TRY(use_credential(out.get(), credential));
  }
  SSL_CTX_set_verify(out.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(out.get(), on_verify, nullptr);
  SSL_CTX_set_session_cache_mode(
      out.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(out.get(), Engine::on_new_session);
  context = std::move(out);
  return {};
}

Result<> ClientContext::State::apply_names(SSL* ssl, const ClientPolicy& policy,
                                           const ServerNames& names) const {
  auto wanted = names_to_match(policy, names);
  if (wanted.empty()) return fail(Fault::Config, "no name to match");
  unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  if (options.wildcards_match_several_labels) {
    flags |= X509_CHECK_FLAG_MULTI_LABEL_WILDCARDS;
  }
  SSL_set_hostflags(ssl, flags);
  for (const auto& name : wanted) {
    if (SSL_add1_host(ssl, name.c_str()) == 1) continue;
    ERR_clear_error();
    return fail(Fault::Config, "cannot match name " + printable(name));
  }
  return {};
}

Result<> ClientContext::State::apply(SSL* ssl, const ClientPolicy& policy,
                                     const ServerNames& names,
                                     PeerCheck& check) const {
  Protocols protocols = TRY(parse_protocols(policy.protocols));
  std::string excluded = policy.exclude_ciphers;
  if (!iequals(policy.ciphers, "null")) excluded += " eNULL";
  bool certificate_needed =
      matches_names(policy.level) || policy.level == Level::Fingerprint;
  if (certificate_needed) excluded += " aNULL";
  std::string ciphers =
      TRY(cipher_list(policy.ciphers, excluded, options.cipher_lists));
  TRY(set_protocols_and_ciphers(ssl, protocols, ciphers));
  if (matches_names(policy.level)) TRY(apply_names(ssl, policy, names));
  if (policy.level == Level::Fingerprint) {
    check.fingerprints = TRY(fingerprints(policy, digest));
  }
  if (!policy.trust_anchor_file.empty()) {
    Handle<X509_STORE, X509_STORE_free> anchors(X509_STORE_new());
    TRY(add_authorities(anchors.get(), source.root(), policy.trust_anchor_file,
                        ""));
    // An anchor need not be self-signed.
    X509_STORE_set_flags(anchors.get(), X509_V_FLAG_PARTIAL_CHAIN);
    SSL_set1_verify_cert_store(ssl, anchors.get());
  }
  std::string sni = server_name(policy, names);
  if (!sni.empty() && SSL_set_tlsext_host_name(ssl, sni.c_str()) != 1) {
    ERR_clear_error();
    return fail(Fault::Config, "cannot send server name " + printable(sni));
  }
  return {};
}

ClientContext::ClientContext(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
ClientContext::~ClientContext() = default;

Result<std::unique_ptr<ClientContext>> ClientContext::open(
    ClientOptions options) {
  auto hash = crypto::hash_by_name(options.fingerprint_digest);
  if (!hash) {
    return fail(Fault::Config, "unknown digest algorithm \"" +
                                   printable(options.fingerprint_digest) +
                                   "\"");
  }
  auto source = TRY(CertificateSource::open(options.certificates));
  auto state =
      std::make_unique<State>(std::move(options), *hash, std::move(source));
  TRY(state->build());
  return std::unique_ptr<ClientContext>(new ClientContext(std::move(state)));
}

void ClientContext::refresh(Instant now) {
  State& s = *state_;
  if (s.looked_at && now - *s.looked_at < kFileInterval) return;
  s.looked_at = now;
  bool authorities =
      !s.options.ca_file.empty() && s.ca_file.changed(s.source.root());
  if (!authorities && !s.source.changed()) return;
  auto built = s.build();
  if (built) return;
  s.problems.push_back(built.error().what +
                       "; the TLS client goes on with what it has read before");
}

std::vector<std::string> ClientContext::problems() {
  return std::exchange(state_->problems, {});
}

Result<std::unique_ptr<Engine>> ClientContext::new_engine(
    const ClientPolicy& policy, const ServerNames& names,
    std::string_view session) const {
  if (policy.level == Level::None || policy.level == Level::Dane ||
      policy.level == Level::DaneOnly) {
    return fail(Fault::Config, fmt::format("TLS security level {} is not "
                                           "supported here",
                                           name_of(policy.level)));
  }
  SslPtr ssl(SSL_new(state_->context.get()));
  if (!ssl) return fail(Fault::Temporary, "no memory for a TLS session");
  auto check = std::make_unique<PeerCheck>();
  check->level = policy.level;
  check->requested = true;
  check->verify_depth = state_->options.verify_depth;
  check->digest = state_->digest;
  TRY(state_->apply(ssl.get(), policy, names, *check));
  if (!session.empty()) {
    auto* at = reinterpret_cast<const unsigned char*>(session.data());
    SessionPtr old(
        d2i_SSL_SESSION(nullptr, &at, static_cast<long>(session.size())));
    if (old) SSL_set_session(ssl.get(), old.get());
    ERR_clear_error();  // a bad one costs a full handshake, no more
  }
  return std::unique_ptr<Engine>(
      new Engine(ssl.release(), Role::Client, std::move(check)));
}

std::string session_key_part(const ClientPolicy& policy,
                             const ServerNames& names) {
  crypto::Hasher hasher(crypto::Hash::Sha256);
  auto add = [&](std::string_view text) {
    hasher.update(text);
    hasher.update(std::string_view("\0", 1));
  };
  add(OpenSSL_version(OPENSSL_FULL_VERSION_STRING));
  add(name_of(policy.level));
  add(policy.protocols);
  add(policy.ciphers);
  add(policy.exclude_ciphers);
  add(policy.trust_anchor_file);
  add(server_name(policy, names));
  if (matches_names(policy.level)) {
    for (const auto& name : names_to_match(policy, names)) add(name);
  } else {
    for (const auto& text : policy.match) add(text);
  }
  return crypto::hex(hasher.finish());
}

}  // namespace mail::tls
