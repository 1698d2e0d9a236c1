#include "authd/server.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "authd/log_lines.h"
#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/crypto/digest.h"
#include "common/crypto/random.h"
#include "common/sasl/server.h"

namespace mail::authd {

namespace {

constexpr size_t kSecretSize = 32;
constexpr std::string_view kNotBuilt[] = {
    "APOP", "OTP",         "GSSAPI",  "GSS-SPNEGO",
    "NTLM", "OAUTHBEARER", "XOAUTH2", "DOVECOT-TOKEN"};

bool is_of_the_original(std::string_view name) {
  for (std::string_view known : kNotBuilt) {
    if (name == known) return true;
  }
  return false;
}

}  // namespace

Result<> Server::open(daemon::DovecotContext& context) {
  context_ = &context;
  settings_ = read_settings(*context.settings, context);
  TRY(choose_mechanisms());
  auth_ = TRY(Auth::make(settings_));
  for (const auto& mechanism : mechanisms_) {
    const sasl::Traits* traits = sasl::find_server_mechanism(mechanism.name);
    if (mechanism.plaintext || traits->scheme.empty()) continue;
    if (auth_->can_look_up()) continue;
    return fail(Fault::Config,
                fmt::format("{} mechanism can't be supported with given "
                            "passdbs",
                            mechanism.name));
  }
  if (settings_->cache_size > 0) {
    cache_ =
        std::make_unique<Cache>(settings_->cache_size, settings_->cache_ttl,
                                settings_->cache_negative_ttl);
  }
  pool_ = std::make_unique<WorkerPool>(settings_->base_dir + "/auth-worker",
                                       settings_->worker_max,
                                       databases_hash(*settings_));
  penalties_ = std::make_unique<Penalties>(
      settings_->base_dir + "/anvil-auth-penalty", *context.tasks);
  penalties_->connect_early();
  auth_->use(pool_.get(), cache_.get());
  return read_token_secret();
}

Result<> Server::choose_mechanisms() {
  for (const auto& name : settings_->mechanisms) {
    const sasl::Traits* traits = sasl::find_server_mechanism(name);
    if (!traits && is_of_the_original(name)) {
      // The others shall work meanwhile.
      log_lines::error(fmt::format(
          "auth_mechanisms: {} is not built yet, and not offered", name));
      continue;
    }
    if (!traits) {
      return fail(Fault::Config,
                  fmt::format("Unknown authentication mechanism '{}'", name));
    }
    ipc::AuthMechanism out;
    out.name = traits->name;
    out.plaintext = traits->plaintext;
    out.anonymous = traits->anonymous;
    out.dictionary = traits->dictionary;
    out.active = traits->active;
    out.mutual_auth = traits->mutual_auth;
    out.is_private = traits->is_private;
    mechanisms_.push_back(std::move(out));
  }
  if (mechanisms_.empty()) {
    return fail(Fault::Config, "No authentication mechanisms configured");
  }
  return {};
}

Result<> Server::read_token_secret() {
  std::string path = settings_->base_dir + "/auth-token-secret.dat";
  auto known = read_file(path, kSecretSize * 2);
  struct stat info;
  bool safe = stat(path.c_str(), &info) == 0 && info.st_uid == geteuid() &&
              (info.st_mode & 07777) == 0600;
  if (known && safe && known->size() == kSecretSize) {
    token_secret_ = std::move(*known);
    if (settings_->debug) {
      log_lines::debug(fmt::format("Read auth token secret from {}", path));
    }
    return {};
  }
  token_secret_ = crypto::random_bytes(kSecretSize);
  return replace_file(path, token_secret_, 0600);
}

net::Task<Result<Auth*>> Server::auth_for(std::string service) {
  config::dovecot::Context wanted;
  wanted.service = service;
  auto at = by_protocol_.find(service);
  if (at == by_protocol_.end()) {
    auto found = co_await daemon::settings_for(wanted);
    CO_CHECK(found);
    // Mostly the protocol changes nothing: then all share one.
    std::unique_ptr<Auth> made;
    auto settings = read_settings(**found, *context_);
    if (*settings != *settings_) {
      auto own = Auth::make(settings);
      if (!own) {
        log_lines::error(own.error().what);
        co_return fail(own.error());
      }
      made = std::move(*own);
      made->use(pool_.get(), cache_.get());
    }
    at = by_protocol_.try_emplace(service, std::move(made)).first;
  }
  co_return at->second ? at->second.get() : auth_.get();
}

unsigned Server::flush_cache(const std::vector<std::string>& users) {
  return cache_ ? cache_->flush(users) : 0;
}

void Server::log_cache_statistics() {
  if (!cache_) return;
  for (const auto& line : cache_->take_statistics()) log_lines::info(line);
}

std::string Server::token(const std::string& service, unsigned pid,
                          const std::string& user,
                          const std::string& session) const {
  std::string text = fmt::format("{}{}{}{}{}{}{}", service, '\0', pid, '\0',
                                 user, '\0', session);
  return crypto::hex(crypto::hmac(crypto::Hash::Sha1, token_secret_, text));
}

}  // namespace mail::authd
