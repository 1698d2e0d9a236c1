// Session: STARTTLS.
#include <fmt/format.h>

#include "common/log/log.h"
#include "delivery/smtp/session.h"

namespace mail::smtpc {

using smtp::Stage;
using tls::Level;

/// SMTP over TLS from the first byte (smtp_tls_wrappermode): whether it may be
/// had here, before there is a connection.
net::Task<Session::Outcome> Session::allow_wrapping() {
  auto policy = co_await config_.tls_policies->find(purpose_.destination);
  Problem out =
      problem("4.3.0", "server unavailable or unable to receive mail");
  if (!policy) {
    out = problem("4.7.5", "client TLS configuration problem");
  } else if (policy->level < Level::Encrypt) {
    log::warning(
        "smtp_tls_wrappermode requires \"smtp_tls_security_level = encrypt\" "
        "(or stronger)");
  } else if (!config_.tls) {
    out =
        problem("4.7.5", "TLS is required, but our TLS engine is unavailable");
  } else {
    wrapped_by_ = std::move(*policy);
    co_return std::nullopt;
  }
  out.no_relay = true;
  broken_ = true;
  co_return out;
}

net::Task<Session::Outcome> Session::secure() {
  auto policy = co_await config_.tls_policies->find(purpose_.destination);
  if (!policy) {
    co_return problem("4.7.0", "client TLS configuration problem");
  }
  bool offered = engine_.capabilities().has(smtp::kStartTls);
  if (policy->level == Level::None || purpose_.tls == Tls::Plain) {
    if (offered && config_.note_starttls && policy->level == Level::None) {
      log::info(fmt::format("Host offered STARTTLS: [{}]", server_.name));
    }
    co_return std::nullopt;
  }
  bool must = policy->level > Level::May;
  if (!offered) {
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
  auto failed = co_await handshake(*policy);
  if (failed) {
    failed->retry_plain = !must;
    co_return failed;
  }
  engine_.tls_started();
  failed = co_await say_hello();
  co_return failed;
}

net::Task<Session::Outcome> Session::handshake(
    const tls::ClientPolicy& policy) {
  config_.tls->refresh(Clock::now());
  const Destination& destination = purpose_.destination;
  tls::ServerNames names{server_.name, destination.host};
  std::string old;
  if (config_.tls_sessions) {
    tls_session_key_ = fmt::format(
        "{}&{}&{}&{}&{}", config_.process, destination.text, server_.name,
        server_.where.address.text(), tls::session_key_part(policy, names));
    auto kept = co_await config_.tls_sessions->find(tls_session_key_);
    old = std::move(kept);
  }
  auto made = config_.tls->new_engine(policy, names, old);
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
    if (!old.empty()) co_await config_.tls_sessions->forget(tls_session_key_);
    if (policy.level == Level::May) {
      log::info(fmt::format("{}: Cannot start TLS: handshake failure",
                            purpose_.queue_id));
    }
    broken_ = true;
    Problem out = problem("4.7.5", "Cannot start TLS: handshake failure");
    out.throttle = policy.level != Level::May;
    co_return out;
  }
  tls_engine_ = engine;
  tls_ = engine->summary();
  bool believed = policy.level < Level::Fingerprint || tls_->matched;
  if (!believed) {
    for (const auto& why : tls_->problems) {
      log::info(tls::chain_problem_line(*tls_, why, server_.relay()));
    }
  }
  if (config_.tls_loglevel >= 1) {
    log::info(tls::established_line(*tls_, server_.relay()));
  }
  if (believed) co_return std::nullopt;
  tls_session_key_.clear();
  co_return problem("4.7.5", "Server certificate not verified");
}

/// Leaves a session that the server offers to tlsmgr; after a handshake, and
/// once more at the end (TLS 1.3 sends them when it likes).
net::Task<> Session::keep_tls_session() {
  if (tls_session_key_.empty() || tls_engine_ == nullptr) co_return;
  auto session = tls_engine_->take_session();
  if (!session) co_return;
  co_await config_.tls_sessions->save(tls_session_key_, std::move(*session));
}

}  // namespace mail::smtpc
