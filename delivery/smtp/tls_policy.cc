#include "delivery/smtp/tls_policy.h"

#include <fmt/format.h>

#include <set>

#include "common/base/ascii.h"
#include "common/config/postfix/networks.h"
#include "common/config/postfix/params.h"
#include "common/log/log.h"
#include "common/maps/address_find.h"

namespace mail::smtpc {

namespace client = config::param::client;
using tls::Level;

namespace {

bool verifies(Level level) {
  return level == Level::Verify || level == Level::Secure;
}

void add_words(std::vector<std::string>& out, std::string_view text,
               std::string_view separators) {
  for (auto word : split(text, separators)) out.emplace_back(word);
}

// One name=value of a policy; the text of what is wrong with it, or "".
std::string set_attribute(tls::ClientPolicy& policy, std::string_view name,
                          std::string_view value) {
  if (name == "protocols") {
    policy.protocols = value;
  } else if (name == "ciphers") {
    policy.ciphers = value;
  } else if (name == "exclude") {
    policy.exclude_ciphers = value;
  } else if (name == "match") {
    bool prints = policy.level == Level::Fingerprint;
    if (!prints && !verifies(policy.level)) {
      return fmt::format("attribute \"match\" invalid at security level \"{}\"",
                         tls::name_of(policy.level));
    }
    add_words(policy.match, value, prints ? "|" : ":");
  } else if (name == "servername") {
    policy.servername = value;
  } else if (name == "tafile") {
    if (!verifies(policy.level)) {
      return fmt::format(
          "attribute \"tafile\" invalid at security level \"{}\"",
          tls::name_of(policy.level));
    }
    policy.trust_anchor_file = value;
  } else if (name == "connection_reuse") {
    if (!iequals(value, "yes") && !iequals(value, "no")) {
      return fmt::format("attribute \"connection_reuse\" has bad value: \"{}\"",
                         value);
    }
  } else {
    return fmt::format("invalid attribute name: \"{}\"", name);
  }
  return {};
}

}  // namespace

Result<TlsPolicies> TlsPolicies::open(const config::Settings& settings,
                                      config::ClientMode mode,
                                      const maps::OpenOptions& tables) {
  TlsPolicies out;
  out.s_ = &settings;
  out.mode_ = mode;
  const std::string& level = settings.get(client::tls_security_level, mode);
  if (!level.empty()) {
    auto parsed = tls::parse_level(level);
    if (!parsed) {
      return fail(Fault::Config,
                  fmt::format("invalid TLS security level: \"{}\"", level));
    }
    out.default_ = *parsed;
  } else if (settings.get(client::enforce_tls, mode)) {
    out.default_ = settings.get(client::tls_enforce_peername, mode)
                       ? Level::Verify
                       : Level::Encrypt;
  } else if (settings.get(client::use_tls, mode)) {
    out.default_ = Level::May;
  }
  out.maps_ = TRY(maps::Tables::open(
      mode == config::ClientMode::Smtp ? "smtp_tls_policy_maps"
                                       : "lmtp_tls_policy_maps",
      settings.get(client::tls_policy_maps, mode), tables));
  return out;
}

tls::ClientPolicy TlsPolicies::at(Level level) const {
  tls::ClientPolicy out;
  out.level = level;
  bool mandatory = level != Level::None && level != Level::May;
  out.protocols = mandatory ? s_->get(client::tls_mandatory_protocols, mode_)
                            : s_->get(client::tls_protocols, mode_);
  out.ciphers = mandatory ? s_->get(client::tls_mandatory_ciphers, mode_)
                          : s_->get(client::tls_ciphers, mode_);
  out.exclude_ciphers = s_->get(client::tls_exclude_ciphers, mode_);
  if (mandatory) {
    out.exclude_ciphers +=
        " " + s_->get(client::tls_mandatory_exclude_ciphers, mode_);
  }
  out.servername = s_->get(client::tls_servername, mode_);
  if (verifies(level)) {
    out.trust_anchor_file = s_->get(client::tls_trust_anchor_file, mode_);
  }
  return out;
}

Result<tls::ClientPolicy> TlsPolicies::parse(
    std::string_view value, std::string_view key,
    std::vector<std::string>* notes) const {
  auto bad = [&](std::string_view problem) {
    return fail(Fault::Config,
                fmt::format("{}, next-hop destination \"{}\": {}",
                            maps_.title(), key, problem));
  };
  auto words = split(value);
  if (words.empty()) return bad("invalid empty policy");
  auto level = tls::parse_level(words[0]);
  if (!level) {
    return bad(fmt::format("invalid security level \"{}\"", words[0]));
  }
  tls::ClientPolicy out = at(*level);
  std::set<std::string, std::less<>> seen;
  for (size_t i = 1; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (*level == Level::None) {
      notes->push_back(fmt::format(
          "{}, next-hop destination \"{}\": ignoring attribute \"{}\" with TLS "
          "disabled",
          maps_.title(), key, word));
      continue;
    }
    size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return bad(fmt::format("malformed attribute/value pair \"{}\": {}", word,
                             equals == 0 ? "missing attribute name"
                                         : "missing '=' after attribute name"));
    }
    std::string name = lower(word.substr(0, equals));
    std::string_view text = word.substr(equals + 1);
    if (text.empty()) {
      return bad(fmt::format("attribute \"{}\" has empty value", name));
    }
    if (!seen.insert(name).second && name != "match") {
      return bad(
          fmt::format("attribute \"{}\" is specified multiple times", name));
    }
    std::string problem = set_attribute(out, name, text);
    if (!problem.empty()) return bad(problem);
  }
  return out;
}

net::Task<maps::Answer> TlsPolicies::look_up(const Destination& destination,
                                             std::string* key) {
  *key = destination.text;
  auto found = co_await maps_.find(destination.text);
  if (!found || *found) co_return found;
  // Parents only of a plain name: no brackets, no port.
  if (!config::is_host_name(destination.text)) co_return found;
  auto parents = maps::domain_keys(destination.text, maps::Parents::Dotted);
  for (size_t i = 1; i < parents.size(); ++i) {
    *key = parents[i].text;
    auto parent = co_await maps_.find(parents[i].text, parents[i].kind);
    if (!parent || *parent) co_return parent;
  }
  co_return found;
}

net::Task<Result<tls::ClientPolicy>> TlsPolicies::find(
    const Destination& destination) {
  tls::ClientPolicy out = at(default_);
  if (!maps_.empty() && destination.path.empty()) {
    std::string key;
    auto found = co_await look_up(destination, &key);
    if (!found) {
      log::warning(
          fmt::format("{}, next-hop destination \"{}\": policy table lookup "
                      "error",
                      maps_.title(), destination.text));
      co_return fail(Fault::Temporary, "policy table lookup error");
    }
    if (*found) {
      std::vector<std::string> notes;
      auto parsed = parse((*found)->value, key, &notes);
      for (const auto& note : notes) log::warning(note);
      if (!parsed) {
        log::warning(parsed.error().what);
        co_return fail(std::move(parsed).error());
      }
      out = std::move(*parsed);
    }
  }
  if (out.match.empty()) {
    if (out.level == Level::Verify) {
      add_words(out.match, s_->get(client::tls_verify_cert_match, mode_),
                ":, \t\r\n");
    } else if (out.level == Level::Secure) {
      add_words(out.match, s_->get(client::tls_secure_cert_match, mode_),
                ":, \t\r\n");
    } else if (out.level == Level::Fingerprint) {
      add_words(out.match, s_->get(client::tls_fingerprint_cert_match, mode_),
                "|, \t\r\n");
    }
  }
  co_return out;
}

}  // namespace mail::smtpc
