// Session: AUTH (RFC 4954).
#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/log/log.h"
#include "common/maps/address_find.h"
#include "delivery/smtp/session.h"

namespace mail::smtpc {

namespace {

constexpr int kMaxSteps = 10;  // of no mechanism are there more
constexpr int kLoginRefused = 535;

/// What *_sasl_security_options ask, as Cyrus SASL's modules say it of
/// themselves.
auth::Mechanism mechanism(std::string_view name, bool plaintext, bool active,
                          bool mutual) {
  auth::Mechanism out;
  out.name = name;
  out.plaintext = plaintext;
  out.active = active;
  out.dictionary = true;
  out.mutual_auth = mutual;
  return out;
}

/// Those that we speak, the best first.
const std::vector<auth::Mechanism>& mechanisms() {
  static const std::vector<auth::Mechanism> all = {
      mechanism("SCRAM-SHA-256", false, false, true),
      mechanism("SCRAM-SHA-1", false, false, true),
      mechanism("DIGEST-MD5", false, true, true),
      mechanism("CRAM-MD5", false, true, false),
      mechanism("PLAIN", true, true, false),
      mechanism("LOGIN", true, true, false)};
  return all;
}

}  // namespace

/// "user:password" for this server; the keys in Postfix's order.
net::Task<Result<std::optional<std::string>>> Session::password() {
  const Destination& destination = purpose_.destination;
  const std::string& sender = purpose_.sender;
  std::vector<maps::Key> keys;
  if (config_.sender_dependent && !sender.empty()) {
    maps::AddressOptions options;
    for (auto& key : maps::address_keys(sender, options)) {
      keys.push_back(std::move(key));
    }
  }
  maps::Key key;
  key.text = server_.name;
  keys.push_back(key);
  key.text = destination.text;
  keys.push_back(key);
  auto found = co_await config_.passwords.find_first(std::move(keys));
  CO_CHECK(found);
  if (!*found) co_return std::optional<std::string>();
  co_return std::optional<std::string>((*found)->value);
}

/// The server's mechanisms that smtp_sasl_mechanism_filter lets pass.
net::Task<std::string> Session::filter_mechanisms() {
  std::string out;
  for (auto word : split(engine_.capabilities().auth_mechanisms)) {
    if (!config_.mechanism_filter.empty()) {
      auto wanted = co_await config_.mechanism_filter.match(std::string(word));
      if (!wanted || !*wanted) continue;
    }
    out.append(word).append(" ");
  }
  co_return out;
}

/// The best of them that we speak, and the security options allow; or none.
std::string Session::choose_mechanism(std::string_view offered) const {
  const auto& options = !tls_           ? config_.sasl_options
                        : tls_->matched ? config_.sasl_tls_verified_options
                                        : config_.sasl_tls_options;
  for (const auto& known : mechanisms()) {
    if (has_word(offered, known.name) && options.allow(known)) {
      return known.name;
    }
  }
  return "";
}

Problem Session::cannot_authenticate(std::string_view why) const {
  return problem(
      "4.7.0",
      fmt::format("SASL authentication failed; cannot authenticate to server "
                  "{}: {}",
                  server_.shown(), why));
}

net::Task<Session::Outcome> Session::authenticate() {
  auto login = co_await password();
  if (!login) co_return problem("4.3.0", "SASL password lookup error");
  if (!*login) co_return std::nullopt;  // no credentials: goes on without
  if (!engine_.capabilities().has(smtp::kAuth)) co_return std::nullopt;
  auto offered = co_await filter_mechanisms();
  if (offered.empty()) {
    co_return problem(
        "4.7.0",
        fmt::format("SASL authentication failed: server {} offered no "
                    "compatible authentication mechanisms for this type of "
                    "connection security",
                    server_.shown()));
  }
  size_t colon = (*login)->find(':');
  LoginCache::Login me{server_.name, (*login)->substr(0, colon), ""};
  if (colon != std::string::npos) me.password = (*login)->substr(colon + 1);
  if (config_.login_cache) {
    auto known = co_await config_.login_cache->find(me, WallClock::now());
    if (known) {
      std::replace(known->reply.begin(), known->reply.end(), '\n', ' ');
      Problem out =
          problem(known->dsn,
                  fmt::format("SASL [CACHED] authentication failed; server {} "
                              "said: {}",
                              server_.name, known->reply));
      co_return softened(std::move(out));
    }
  }
  std::string chosen = choose_mechanism(offered);
  if (chosen.empty()) {
    log::warning("SASL authentication failure: No worthy mechs found");
    co_return cannot_authenticate("no mechanism available");
  }
  sasl::ClientIdentity identity;
  identity.user = me.user;
  identity.password = me.password;
  if (config_.send_authzid) identity.authzid = identity.user;
  identity.service = config_.mode == ClientMode::Lmtp ? "lmtp" : "smtp";
  identity.hostname = server_.name;
  auto client = sasl::make_client(chosen, std::move(identity));
  smtp::ReceivedReply refusal;
  auto failed = co_await converse(chosen, *client, refusal);
  if (refusal.code == kLoginRefused && config_.login_cache) {
    LoginCache::Refusal why{refusal.dsn().text(), refusal.raw};
    co_await config_.login_cache->save(me, why, WallClock::now());
  }
  co_return failed;
}

/// The exchange of one mechanism. refusal: the server's no, if that ended it.
net::Task<Session::Outcome> Session::converse(std::string mechanism,
                                              sasl::Client& client,
                                              smtp::ReceivedReply& refusal) {
  auto initial = client.initial();
  if (initial) {
    std::string text = initial->empty() ? "=" : base64_encode(*initial);
    engine_.auth(mechanism, std::string_view(text));
  } else {
    engine_.auth(mechanism, std::nullopt);
  }
  for (int step = 0;; ++step) {
    auto answer = co_await reply(config_.helo_timeout);
    if (answer.broken) co_return answer.broken;
    const auto& said = answer.reply.reply;
    if (said.code / 100 == 2) {
      // Who has not shown that it knows the password is somebody else.
      if (!client.satisfied()) {
        co_return cannot_authenticate("the server does not know the password");
      }
      authenticated_ = true;
      co_return std::nullopt;
    }
    if (said.code != 334) {
      refusal = said;
      Problem out =
          problem(said.dsn().text(),
                  fmt::format("SASL authentication failed; server {} said: {}",
                              server_.shown(), said.joined()));
      co_return softened(std::move(out));
    }
    if (step == kMaxSteps) {
      co_return problem("4.3.0",
                        fmt::format("SASL authentication failed; "
                                    "authentication protocol loop with server "
                                    "{}",
                                    server_.shown()));
    }
    auto challenge = base64_decode(trim(said.text));
    auto response =
        challenge
            ? client.respond(*challenge)
            : Result<std::string>(fail(Fault::Protocol, "malformed challenge"));
    if (!response) {
      engine_.auth_response("*");
      auto end = co_await reply(config_.helo_timeout);
      if (end.broken) co_return end.broken;
      co_return cannot_authenticate(response.error().what);
    }
    engine_.auth_response(base64_encode(*response));
  }
}

/// A password that is wrong today may be corrected before the mail expires
/// (smtp_sasl_auth_soft_bounce).
Problem Session::softened(Problem out) const {
  if (config_.sasl_soft_bounce) out.dsn.status[0] = '4';
  return out;
}

}  // namespace mail::smtpc
