// Session: STARTTLS and AUTH.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/log/log.h"
#include "common/maps/address_find.h"
#include "delivery/smtp/session.h"

namespace mail::smtpc {

using smtp::Stage;
using tls::Level;

net::Task<Session::Outcome> Session::secure(const Destination& destination,
                                            const std::string& queue_id,
                                            Tls wanted) {
  auto policy = co_await config_.tls_policies->find(destination);
  if (!policy) {
    co_return problem("4.7.0", "client TLS configuration problem");
  }
  if (policy->level == Level::None || wanted == Tls::Plain) {
    co_return std::nullopt;
  }
  bool must = policy->level > Level::May;
  if (!engine_.capabilities().has(smtp::kStartTls)) {
    if (!must) co_return std::nullopt;
    co_return problem("4.7.4",
                      fmt::format("TLS is required, but was not offered by "
                                  "host {}",
                                  server_.shown()));
  }
  if (!config_.tls) {
    if (!must) co_return std::nullopt;
    co_return problem("4.7.5",
                      "TLS is required, but our TLS engine is unavailable");
  }
  engine_.start_tls();
  auto answer = co_await reply(config_.starttls_timeout);
  if (answer.broken) co_return answer.broken;
  if (answer.reply.reply.code / 100 != 2) {
    if (!must) co_return std::nullopt;
    co_return problem(
        "4.7.4", fmt::format("TLS is required, but host {} refused to "
                             "start TLS: {}",
                             server_.shown(), answer.reply.reply.joined()));
  }
  auto failed = co_await handshake(*policy, destination, queue_id);
  if (failed) {
    failed->retry_plain = !must;
    co_return failed;
  }
  engine_.tls_started();
  failed = co_await say_hello();
  co_return failed;
}

net::Task<Session::Outcome> Session::handshake(const tls::ClientPolicy& policy,
                                               const Destination& destination,
                                               const std::string& queue_id) {
  config_.tls->refresh(Clock::now());
  tls::ServerNames names{server_.name, destination.host};
  auto made = config_.tls->new_engine(policy, names, "");
  if (!made) {
    log::warning(made.error().what);
    co_return problem("4.7.5", "client TLS configuration problem");
  }
  tls::Engine* engine = made->get();
  auto done =
      co_await stream_.handshake(std::move(*made), tls::Engine::finished,
                                 net::Deadline::in(config_.starttls_timeout));
  if (!done) {
    log::info(tls::handshake_failed_line(tls::Role::Client, server_.relay(),
                                         done.error()));
    for (const auto& line : engine->library_problems()) log::warning(line);
    if (policy.level == Level::May) {
      log::info(
          fmt::format("{}: Cannot start TLS: handshake failure", queue_id));
    }
    broken_ = true;
    Problem out = problem("4.7.5", "Cannot start TLS: handshake failure");
    out.throttle = policy.level != Level::May;
    co_return out;
  }
  tls_ = engine->summary();
  if (config_.tls_loglevel >= 1) {
    log::info(tls::established_line(*tls_, server_.relay()));
  }
  if (policy.level < Level::Fingerprint || tls_->matched) {
    co_return std::nullopt;
  }
  for (const auto& why : tls_->problems) {
    log::info(tls::chain_problem_line(*tls_, why, server_.relay()));
  }
  co_return problem("4.7.5", "Server certificate not verified");
}

/// "user:password" for this server; the keys in Postfix's order.
net::Task<Result<std::optional<std::string>>> Session::password(
    const Destination& destination, const std::string& sender) {
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

net::Task<Session::Outcome> Session::authenticate(
    const Destination& destination, const std::string& sender) {
  auto login = co_await password(destination, sender);
  if (!login) {
    co_return problem("4.3.0", "SASL password lookup error");
  }
  if (!*login) co_return std::nullopt;  // no credentials: goes on without
  if (!engine_.capabilities().has(smtp::kAuth)) co_return std::nullopt;
  size_t colon = (*login)->find(':');
  std::string user = (*login)->substr(0, colon);
  std::string secret =
      colon == std::string::npos ? "" : (*login)->substr(colon + 1);
  const auto& options = tls_ ? config_.sasl_tls_options : config_.sasl_options;
  auth::Mechanism plaintext;
  plaintext.plaintext = true;
  std::string chosen;
  for (auto name : split(engine_.capabilities().auth_mechanisms)) {
    std::string mechanism = upper(name);
    bool known = mechanism == "PLAIN" || mechanism == "LOGIN";
    bool wanted = config_.mechanism_filter.empty() ||
                  std::find(config_.mechanism_filter.begin(),
                            config_.mechanism_filter.end(),
                            mechanism) != config_.mechanism_filter.end();
    if (!known || !wanted || !options.allow(plaintext)) continue;
    if (chosen.empty() || mechanism == "PLAIN") chosen = mechanism;
  }
  if (chosen.empty()) {
    co_return problem(
        "4.7.0",
        fmt::format("SASL authentication failed: server {} offered no "
                    "compatible authentication mechanisms for this type of "
                    "connection security",
                    server_.shown()));
  }
  if (chosen == "PLAIN") {
    std::string initial =
        base64_encode(std::string(1, '\0') + user + '\0' + secret);
    engine_.auth("PLAIN", std::string_view(initial));
  } else {
    engine_.auth("LOGIN", std::nullopt);
  }
  for (int step = 0;; ++step) {
    auto answer = co_await reply(config_.helo_timeout);
    if (answer.broken) co_return answer.broken;
    int code = answer.reply.reply.code;
    if (code / 100 == 2) co_return std::nullopt;
    if (code == 334 && step < 2) {
      engine_.auth_response(base64_encode(step == 0 ? user : secret));
      continue;
    }
    Problem out =
        problem(answer.reply.reply.dsn().text(),
                fmt::format("SASL authentication failed; server {} said: {}",
                            server_.shown(), answer.reply.reply.joined()));
    if (config_.sasl_soft_bounce) out.dsn.status[0] = '4';
    co_return out;
  }
}

}  // namespace mail::smtpc
