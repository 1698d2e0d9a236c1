#include <fmt/format.h>

#include "common/log/log.h"
#include "smtpd/session.h"

namespace mail::smtpd {

bool Session::tls_offered() const {
  return config_.tls && config_.tls->available() && !facts_.tls &&
         !config_.tls_wrapper;
}

net::Task<smtp::Reply> Session::run(smtp::StartTls&) {
  if (facts_.tls) {
    co_return smtp::Reply(554, "5.5.1", "Error: TLS already active");
  }
  if (config_.tls_level == TlsLevel::None) {
    co_return smtp::Reply(502, "5.5.1", "Error: command not implemented");
  }
  if (!tls_offered()) {
    co_return smtp::Reply(454, "4.7.0",
                          "TLS not available due to local problem");
  }
  smtp::Reply refusal(421, "4.7.0",
                      fmt::format("{} Error: too many new TLS sessions from {}",
                                  config_.host, facts_.client.address_text));
  auto refused = co_await over_rate("newtls", config_.new_tls_rate,
                                    "New TLS session", refusal);
  if (refused) {
    closing_ = true;
    co_return smtp::hangup(*refused);
  }
  co_return smtp::Reply(220, "2.0.0", "Ready to start TLS");
}

/// The handshake, now. False: the connection is of no more use.
net::Task<bool> Session::start_tls() {
  const std::string& peer = facts_.client.name_addr;
  if (!config_.tls) co_return false;
  config_.tls->refresh(Clock::now());
  if (config_.tickets)
    co_await config_.tickets->refresh(config_.tls->ticket_keys());
  for (const auto& problem : config_.tls->problems()) log::warning(problem);
  auto made = config_.tls->new_engine();
  if (!made) {
    log::warning(made.error().what);
    co_return false;
  }
  if (config_.tls_loglevel >= 2) {
    log::info("setting up TLS connection from " + peer);
  }
  tls::Engine* engine = made->get();
  auto done =
      co_await stream_.handshake(std::move(*made), tls::Engine::finished,
                                 net::Deadline::in(config_.starttls_timeout));
  if (!done) {
    log::info(
        tls::handshake_failed_line(tls::Role::Server, peer, done.error()));
    for (const auto& line : engine->library_problems()) log::warning(line);
    co_return false;
  }
  tls_ = engine->summary();
  facts_.tls = &*tls_;
  if (config_.tls_loglevel >= 1) {
    log::info(tls::established_line(*tls_, peer));
    for (const auto& problem : tls_->problems) {
      log::info(tls::chain_problem_line(*tls_, problem, peer));
    }
    if (tls_->has_certificate && config_.tls_loglevel >= 2) {
      log::info(tls::certificate_line(*tls_, peer));
    }
  }
  if (config_.tls_require_cert &&
      (!tls_->has_certificate || !tls_->chain_trusted)) {
    // RFC 3207: said in the session, after EHLO.
    log::info(fmt::format("TLS: client {} has no trusted certificate", peer));
    smtp::Reply refusal(
        554, "5.7.1",
        fmt::format("{} Error: No client certificate requested", config_.host));
    co_await say(smtp::hangup(std::move(refusal)));
    closing_ = true;
  }
  co_return true;
}

}  // namespace mail::smtpd
