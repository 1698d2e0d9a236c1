#include "common/tls/server_context.h"

#include <fmt/core.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "common/base/ascii.h"
#include "common/base/utf8.h"
#include "common/tls/context.h"
#include "common/tls/peer_check.h"

namespace mail::tls {

namespace {

constexpr auto kLookInterval = std::chrono::seconds(1);
constexpr size_t kSniLimit = 256;
constexpr long kSessionLimit = 1000;

Result<KeyPtr> parse_dh(const std::string& pem, const std::string& where) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KeyPtr key(PEM_read_bio_Parameters(bio.get(), nullptr));
  ERR_clear_error();
  if (!key) return fail(Fault::Config, where + ": no DH parameters in it");
  return key;
}

Result<KeyPtr> make_dh(const ServerOptions& options, const RealRoot& root) {
  if (options.dh_pem) return parse_dh(*options.dh_pem, "ssl_dh");
  const std::string& file = options.dh_file;
  if (!file.empty() && file != "auto") {
    return parse_dh(TRY(WatchedFile(file).read(root)), file);
  }
  char group[] = "ffdhe2048";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_end()};
  Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> maker(
      EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr));
  EVP_PKEY* key = nullptr;
  if (!maker || EVP_PKEY_fromdata_init(maker.get()) != 1 ||
      EVP_PKEY_fromdata(maker.get(), &key, EVP_PKEY_KEY_PARAMETERS,
                        parameters) != 1) {
    ERR_clear_error();
    return fail(Fault::Config, "no DH group");
  }
  return KeyPtr(key);
}

}  // namespace

struct ServerContext::State {
  ServerOptions options;
  Protocols protocols;
  std::string ciphers;
  crypto::Hash digest = crypto::Hash::Sha256;
  EVP_CIPHER* ticket_cipher = nullptr;
  TicketKeys tickets;
  SniLookup sni_lookup;
  std::map<std::string, std::pair<std::string, std::vector<Credential>>> sni;
  CertificateSource source;
  ContextPtr context;  // null: not available
  std::optional<WallTime> expires;
  std::vector<std::string> problems;
  std::optional<Instant> looked_at;
  bool wants_restart = false;

  State(ServerOptions o, CertificateSource s)
      : options(std::move(o)),
        tickets(std::chrono::seconds(options.session_timeout)),
        source(std::move(s)) {}
  ~State() { EVP_CIPHER_free(ticket_cipher); }

  Result<> parse();
  Result<ContextPtr> build(const std::vector<Credential>& credentials);
  Result<> use_dh(SSL_CTX* context);
  Result<> build_sessions(SSL_CTX* out);
  std::string disabled() const;
  void adopt(Result<std::vector<Credential>> loaded);
  const std::vector<Credential>* sni_credentials(const std::string& name);
  void watch_names(SSL_CTX* out);
  static int on_server_name(SSL* ssl, int*, void* self);
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv,
                       EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int encrypt);
  static int on_verify(X509_STORE_CTX* store, void*);
};

Result<> ServerContext::State::parse() {
  protocols = TRY(parse_protocols(options.protocols));
  bool ask =
      options.client_certificate != ServerOptions::ClientCertificate::None;
  // No certificate is asked of a client that is shown none.
  std::string excluded = options.exclude_ciphers + (ask ? " aNULL" : "");
  if (!iequals(options.ciphers, "null")) excluded += " eNULL";
  ciphers = TRY(cipher_list(options.ciphers, excluded, options.cipher_lists));
  auto hash = crypto::hash_by_name(options.fingerprint_digest);
  if (!hash) {
    return fail(Fault::Config, "unknown digest algorithm \"" +
                                   printable(options.fingerprint_digest) +
                                   "\"");
  }
  digest = *hash;
  ticket_cipher =
      EVP_CIPHER_fetch(nullptr, options.ticket_cipher.c_str(), nullptr);
  ERR_clear_error();
  if (!ticket_cipher || EVP_CIPHER_get_key_length(ticket_cipher) > 32) {
    return fail(Fault::Config, "unusable tls_session_ticket_cipher: \"" +
                                   printable(options.ticket_cipher) + "\"");
  }
  return {};
}

Result<> ServerContext::State::build_sessions(SSL_CTX* out) {
  std::string_view id = "postcote";
  SSL_CTX_set_session_id_context(
      out, reinterpret_cast<const unsigned char*>(id.data()),
      static_cast<unsigned>(id.size()));
  SSL_CTX_set_timeout(out, options.session_timeout);
  long mode = SSL_SESS_CACHE_OFF;
  if (options.session_cache) {
    mode = SSL_SESS_CACHE_SERVER;
    SSL_CTX_sess_set_cache_size(out, kSessionLimit);
  } else if (options.always_issue_session_ids) {
    mode = SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL;
  }
  SSL_CTX_set_session_cache_mode(out, mode);
  if (options.session_tickets) {
    SSL_CTX_set_num_tickets(out, 1);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(out, on_ticket);
  } else {
    SSL_CTX_set_options(out, SSL_OP_NO_TICKET);
    if (!options.session_cache) SSL_CTX_set_num_tickets(out, 0);
  }
  return {};
}

Result<> ServerContext::State::use_dh(SSL_CTX* context) {
  if (options.dh_pem && options.dh_pem->empty()) return {};
  KeyPtr dh = TRY(make_dh(options, source.root()));
  if (SSL_CTX_set0_tmp_dh_pkey(context, dh.get()) == 1) (void)dh.release();
  return {};
}

Result<ContextPtr> ServerContext::State::build(
    const std::vector<Credential>& credentials) {
  ContextPtr out = TRY(make_context(Role::Server, options, source.root()));
  SSL_CTX_set_app_data(out.get(), this);
  TRY(set_protocols_and_ciphers(out.get(), protocols, ciphers));
  for (const auto& credential : credentials) {
    TRY(use_credential(out.get(), credential));
  }
  TRY(use_dh(out.get()));
  if (options.preempt_cipherlist) {
    SSL_CTX_set_options(out.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  TRY(build_sessions(out.get()));
  watch_names(out.get());
  if (options.client_certificate != ServerOptions::ClientCertificate::None) {
    SSL_CTX_set_verify(out.get(), SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE,
                       nullptr);
    SSL_CTX_set_cert_verify_callback(out.get(), on_verify, nullptr);
    STACK_OF(X509)* all =
        X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(out.get()));
    for (int i = 0; i < sk_X509_num(all); ++i) {
      SSL_CTX_add_client_CA(out.get(), sk_X509_value(all, i));
    }
    sk_X509_pop_free(all, X509_free);
  }
  ERR_clear_error();
  return out;
}

// Not without a table: a server that has such a callback but no certificate is
// held to be able to speak TLS 1.3, and then cannot.
void ServerContext::State::watch_names(SSL_CTX* out) {
  if (!sni_lookup) return;
  SSL_CTX_set_tlsext_servername_callback(out, on_server_name);
  SSL_CTX_set_tlsext_servername_arg(out, this);
}

// What Postfix says of a certificate that it cannot use; the reason follows.
std::string ServerContext::State::disabled() const {
  const auto& files = options.certificates;
  std::string file = !files.chain_files.empty() ? files.chain_files.front()
                     : files.pairs.empty()      ? std::string()
                                           : files.pairs.front().certificate;
  return fmt::format(
      "cannot get RSA certificate from file \"{}\": disabling "
      "TLS support",
      file);
}

// Takes new certificates into use, or says why not.
void ServerContext::State::adopt(Result<std::vector<Credential>> loaded) {
  std::string in_use =
      context ? "the old certificate stays in use" : "TLS is not offered";
  if (!loaded) {
    const Error& error = loaded.error();
    wants_restart = context && (error.sys == EACCES || error.sys == EPERM);
    std::string remedy =
        wants_restart         ? "a process started anew can read it"
        : error.sys == ENOENT ? "create it, or correct the setting"
        : error.sys == EACCES
            ? "let this user read it"
            : "install a certificate and the key that belongs to it";
    problems.push_back(
        context || options.certificates.empty()
            ? fmt::format("{}: {}; {}: {}", options.parameter, error.what,
                          in_use, remedy)
            : fmt::format("{}: {}; {}", disabled(), error.what, remedy));
    return;
  }
  auto built = build(*loaded);
  if (!built) {
    problems.push_back(fmt::format("{}: {}; {}", options.parameter,
                                   built.error().what, in_use));
    return;
  }
  context = std::move(*built);
  wants_restart = false;
  expires.reset();
  for (const auto& credential : *loaded) {
    expires = expires ? std::min(*expires, credential.expires())
                      : credential.expires();
  }
  if (expires && *expires <= WallClock::now()) {
    problems.push_back(fmt::format(
        "{}: the certificate has expired; clients that check it will not "
        "connect: install a new one",
        options.parameter));
  }
}

const std::vector<Credential>* ServerContext::State::sni_credentials(
    const std::string& name) {
  auto pem = sni_lookup(name);
  if (!pem) {
    problems.push_back("SNI table lookup of " + printable(name) +
                       " failed: " + pem.error().what);
    return nullptr;
  }
  if (!*pem) return nullptr;
  auto& entry = sni[name];
  if (entry.first == **pem) return &entry.second;
  auto parsed = parse_chains(**pem);
  if (!parsed) {
    problems.push_back(
        fmt::format("SNI table: {}: {}; the default certificate is used",
                    printable(name), parsed.error().what));
    sni.erase(name);
    return nullptr;
  }
  entry = {std::move(**pem), std::move(*parsed)};
  if (sni.size() > kSniLimit) {
    // Any other will do: they are read again when asked for.
    auto other =
        sni.begin()->first == name ? std::next(sni.begin()) : sni.begin();
    sni.erase(other);
  }
  return &sni[name].second;
}

int ServerContext::State::on_server_name(SSL* ssl, int*, void* argument) {
  auto* self = static_cast<State*>(argument);
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!asked || !self->sni_lookup) return SSL_TLSEXT_ERR_NOACK;
  std::string name = lower(asked);
  if (name.size() > 255) return SSL_TLSEXT_ERR_NOACK;
  const std::vector<Credential>* found = self->sni_credentials(name);
  for (size_t dot = name.find('.'); !found && dot != std::string::npos;
       dot = name.find('.', dot + 1)) {
    found = self->sni_credentials(name.substr(dot));
  }
  if (!found) return SSL_TLSEXT_ERR_NOACK;
  for (const auto& credential : *found) {
    if (!use_credential(ssl, credential)) return SSL_TLSEXT_ERR_NOACK;
  }
  auto* engine = static_cast<Engine*>(SSL_get_app_data(ssl));
  engine->check_->sni = name;
  return SSL_TLSEXT_ERR_OK;
}

int ServerContext::State::on_ticket(SSL* ssl, unsigned char* name,
                                    unsigned char* iv, EVP_CIPHER_CTX* cipher,
                                    EVP_MAC_CTX* mac, int encrypt) {
  auto* self = static_cast<State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  WallTime now = WallClock::now();
  const TicketKey& current = self->tickets.current(now);
  const TicketKey* key = &current;
  if (encrypt) {
    memcpy(name, key->name.data(), key->name.size());
    int size = EVP_CIPHER_get_iv_length(self->ticket_cipher);
    if (RAND_bytes(iv, size) != 1) return -1;
  } else {
    key = self->tickets.find({reinterpret_cast<char*>(name), 16}, now);
    if (!key) return 0;
  }
  auto* cipher_key =
      reinterpret_cast<const unsigned char*>(key->cipher_key.data());
  char digest[] = "sha256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                        const_cast<char*>(key->mac_key.data()),
                                        key->mac_key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  if (EVP_CipherInit_ex2(cipher, self->ticket_cipher, cipher_key, iv, encrypt,
                         nullptr) != 1 ||
      EVP_MAC_CTX_set_params(mac, parameters) != 1) {
    return -1;
  }
  return encrypt || key->name == current.name ? 1 : 2;
}

int ServerContext::State::on_verify(X509_STORE_CTX* store, void*) {
  auto* ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* engine = static_cast<Engine*>(SSL_get_app_data(ssl));
  return verify_peer(store, *engine->check_, Role::Server);
}

ServerContext::ServerContext(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
ServerContext::~ServerContext() = default;

Result<std::unique_ptr<ServerContext>> ServerContext::open(
    ServerOptions options) {
  auto source = TRY(CertificateSource::open(options.certificates));
  auto state = std::make_unique<State>(std::move(options), std::move(source));
  TRY(state->parse());
  const auto& files = state->options.certificates;
  bool none_wanted =
      !files.pairs.empty() &&
      std::all_of(files.pairs.begin(), files.pairs.end(), [](const auto& p) {
        return p.certificate == "none" || p.certificate.empty();
      });
  bool says_none = none_wanted && files.pairs[0].certificate == "none";
  if (files.empty() && !says_none) {
    state->problems.push_back(
        "No server certs available. TLS won't be enabled");
  } else {
    // Settings must hold even when no certificate can be read yet.
    auto bare = state->build({});
    if (!bare && bare.error().sys == 0) return fail(std::move(bare).error());
    state->adopt(state->source.load());
  }
  return std::unique_ptr<ServerContext>(new ServerContext(std::move(state)));
}

namespace {
Result<std::vector<Credential>> parse_pairs(
    const std::vector<ServerContext::PemPair>& pairs) {
  std::vector<Credential> credentials;
  for (const auto& pair : pairs) {
    credentials.push_back(TRY(parse_pair(pair.certificate, pair.key)));
  }
  return credentials;
}
}  // namespace

Result<std::unique_ptr<ServerContext>> ServerContext::open(
    ServerOptions options, const std::vector<PemPair>& pairs) {
  options.certificates = {};
  auto source = TRY(CertificateSource::open(options.certificates));
  auto state = std::make_unique<State>(std::move(options), std::move(source));
  TRY(state->parse());
  // Settings must hold even when no certificate can be used yet.
  auto bare = state->build({});
  if (!bare && bare.error().sys == 0) return fail(std::move(bare).error());
  state->adopt(parse_pairs(pairs));
  return std::unique_ptr<ServerContext>(new ServerContext(std::move(state)));
}

void ServerContext::replace(const std::vector<PemPair>& pairs) {
  state_->adopt(parse_pairs(pairs));
}

bool ServerContext::available() const { return state_->context != nullptr; }

std::vector<std::string> ServerContext::problems() {
  return std::exchange(state_->problems, {});
}

void ServerContext::refresh(Instant now) {
  if (state_->looked_at && now - *state_->looked_at < kLookInterval) return;
  state_->looked_at = now;
  if (state_->source.changed()) state_->adopt(state_->source.load());
}

bool ServerContext::wants_restart() const { return state_->wants_restart; }

std::optional<WallTime> ServerContext::expires() const {
  return state_->expires;
}

Result<std::unique_ptr<Engine>> ServerContext::new_engine() const {
  if (!state_->context) return fail(Fault::Config, "no TLS certificate");
  SslPtr ssl(SSL_new(state_->context.get()));
  if (!ssl) return fail(Fault::Temporary, "no memory for a TLS session");
  auto check = std::make_unique<PeerCheck>();
  check->requested = state_->options.client_certificate !=
                     ServerOptions::ClientCertificate::None;
  check->verify_depth = state_->options.verify_depth;
  check->digest = state_->digest;
  return std::unique_ptr<Engine>(
      new Engine(ssl.release(), Role::Server, std::move(check)));
}

void ServerContext::set_sni_lookup(SniLookup lookup) {
  state_->sni_lookup = std::move(lookup);
  if (state_->context) state_->watch_names(state_->context.get());
}

TicketKeys& ServerContext::ticket_keys() { return state_->tickets; }

}  // namespace mail::tls
