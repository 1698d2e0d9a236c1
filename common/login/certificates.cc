#include "common/login/certificates.h"

#include <fmt/format.h>

#include <filesystem>

#include "common/config/dovecot/layers.h"
#include "common/daemon/dovecot_service.h"
#include "common/log/log.h"
#include "common/net/loop.h"
#include "common/process/dovecot_files.h"

namespace mail::login {
namespace {

namespace dovecot = config::dovecot;
namespace setting = config::dovecot::setting;

constexpr std::chrono::seconds kLook{5};

std::vector<tls::ServerContext::PemPair> pairs_of(const dovecot::Settings& s) {
  std::vector<tls::ServerContext::PemPair> pairs;
  pairs.push_back({s.get(setting::ssl_cert), s.get(setting::ssl_key)});
  if (!s.get(setting::ssl_alt_cert).empty()) {
    pairs.push_back(
        {s.get(setting::ssl_alt_cert), s.get(setting::ssl_alt_key)});
  }
  return pairs;
}

/// ssl_min_protocol as smtpd_tls_protocols would say it.
std::string protocols_of(const std::string& least) {
  if (least == "ANY" || least.empty()) return "";
  if (least == "LATEST") return ">=TLSv1.3";
  return ">=" + least;
}

tls::ServerOptions options_of(const dovecot::Settings& s) {
  tls::ServerOptions options;
  options.parameter = "ssl_cert";
  options.protocols = protocols_of(s.get(setting::ssl_min_protocol));
  options.cipher_lists.medium = s.get(setting::ssl_cipher_list);
  options.preempt_cipherlist = s.get(setting::ssl_prefer_server_ciphers);
  if (!s.get(setting::ssl_curve_list).empty()) {
    options.eecdh_curves = s.get(setting::ssl_curve_list);
  }
  options.dh_pem = s.get(setting::ssl_dh);
  options.session_tickets =
      s.get(setting::ssl_options).find("no_ticket") == std::string::npos;
  return options;
}

}  // namespace

/// What a client that asks for one of `names` is shown.
struct Certificates::Named {
  std::string names;
  std::string pem;  ///< key, then chain; empty: not fetched
};

Certificates::Certificates() = default;
Certificates::~Certificates() = default;

Result<std::unique_ptr<Certificates>> Certificates::open(
    const dovecot::Settings& settings, const std::string& service,
    const std::string& config_file) {
  std::unique_ptr<Certificates> self(new Certificates());
  self->service_ = service;
  self->root_ = std::make_unique<RealRoot>(TRY(RealRoot::open()));
  self->find_files(config_file);
  self->context_ =
      TRY(tls::ServerContext::open(options_of(settings), pairs_of(settings)));
  self->log_problems();
  auto* raw = self.get();
  self->context_->set_sni_lookup(
      [raw](const std::string& name) -> Result<std::optional<std::string>> {
        for (auto& named : raw->named_) {
          if (!named->pem.empty() &&
              dovecot::local_name_matches(named->names, name)) {
            return std::optional<std::string>(named->pem);
          }
        }
        return std::optional<std::string>();
      });
  return self;
}

// Which files are to be watched, and which names have certificates of their
// own. A configuration that cannot be read here is the config service's.
void Certificates::find_files(const std::string& config_file) {
  // What it includes is named from where it really lies.
  std::error_code error;
  auto path = std::filesystem::canonical(config_file, error);
  if (error) return;
  process::DovecotFiles reader;
  auto configuration = dovecot::Configuration::load(path.string(), reader);
  for (const auto* layer : configuration.impl().ordered()) {
    bool own_certificate = false;
    for (auto key : {"ssl_cert", "ssl_key", "ssl_alt_cert", "ssl_alt_key"}) {
      const auto* entry = layer->find(key);
      if (!entry || !entry->is_file) continue;
      own_certificate = true;
      watched_.push_back(std::make_unique<WatchedFile>(entry->text));
      (void)watched_.back()->read(*root_);
      directories_.add(entry->text);
    }
    if (own_certificate && !layer->filter.local_name.empty()) {
      named_.push_back(
          std::make_unique<Named>(Named{layer->filter.local_name, ""}));
    }
  }
}

void Certificates::log_problems() {
  for (auto& problem : context_->problems()) log::error(problem);
}

// Debian's directory of keys is root's alone: where we may not look any more,
// its watch tells that something has happened.
bool Certificates::files_changed() {
  bool other = false, hidden = false;
  for (auto& file : watched_) {
    auto look = file->look(*root_);
    hidden |= look == WatchedFile::Look::Hidden;
    if (look != WatchedFile::Look::Other) continue;
    other = true;
    (void)file->read(*root_);  // seen, even if only by its name
  }
  // Always emptied, so that the queue does not fill.
  bool events = directories_.take_events();
  return other || (hidden && events);
}

net::Task<> Certificates::fetch() {
  dovecot::Context where;
  where.service = service_;
  auto settings = co_await daemon::fresh_settings_for(std::move(where));
  if (!settings) {
    log::error(settings.error().what);
    co_return;
  }
  context_->replace(pairs_of(**settings));
  log_problems();
}

net::Task<> Certificates::fetch_named(Named* named) {
  dovecot::Context where;
  where.service = service_;
  // Any name that the pattern matches will do.
  where.local_name = named->names.substr(0, named->names.find(' '));
  for (char& c : where.local_name) {
    if (c == '*' || c == '?') c = 'x';
  }
  auto settings = co_await daemon::fresh_settings_for(std::move(where));
  if (!settings) {
    log::error(
        fmt::format("local_name {}: {}", named->names, settings.error().what));
    co_return;
  }
  named->pem = (*settings)->get(setting::ssl_key) + "\n" +
               (*settings)->get(setting::ssl_cert);
}

net::Task<> Certificates::follow() {
  for (auto& named : named_) co_await fetch_named(named.get());
  while (true) {
    co_await net::sleep(kLook);
    if (!files_changed()) continue;
    co_await fetch();
    for (auto& named : named_) co_await fetch_named(named.get());
  }
}

}  // namespace mail::login
