#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/log/log.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"

namespace mail::smtpd {

using auth::Answer;

namespace {

smtp::Reply failed(std::string_view reason) {
  return {535, "5.7.8",
          fmt::format("Error: authentication failed: {}",
                      reason.empty() ? "(reason unavailable)" : reason)};
}

}  // namespace

/// AUTH is for this client, now.
net::Task<bool> Session::auth_offered() {
  if (!config_.sasl) co_return false;
  if (!facts_.tls && config_.tls_auth_only) co_return false;
  auto exempt = co_await config_.sasl_exceptions.match(
      facts_.client.name, facts_.client.address_text);
  co_return !(exempt && *exempt);
}

/// Those that may be used; asks the server for its list if need be. A server
/// that is down has none, and one line says why.
net::Task<std::vector<std::string>> Session::mechanisms() {
  std::vector<std::string> out;
  auto offered = co_await auth_offered();
  if (!offered) co_return out;
  auto connected = co_await config_.auth->connect();
  if (!connected) {
    log::warning(connected.error().what);
    co_return out;
  }
  const auto& options =
      facts_.tls ? config_.sasl_tls_options : config_.sasl_options;
  for (const auto& mechanism : config_.auth->mechanisms()) {
    if (options.allow(mechanism)) out.push_back(mechanism.name);
  }
  co_return out;
}

net::Task<smtp::Reply> Session::run(smtp::Auth& auth) {
  auto offered = co_await auth_offered();
  if (!offered) {
    wrongs_ |= smtp::kNotifyProtocol;
    co_return smtp::Reply(503, "5.5.1", "Error: authentication not enabled");
  }
  if (!facts_.sasl_method.empty()) {
    co_return smtp::Reply(503, "5.5.1", "Error: already authenticated");
  }
  smtp::Reply refusal(
      450, "4.7.1",
      "Error: too many AUTH commands from " + facts_.client.address_text);
  auto refused =
      co_await over_rate("auth", config_.auth_rate, "AUTH command", refusal);
  if (refused) co_return *refused;
  auto allowed = co_await mechanisms();
  std::string wanted = upper(auth.mechanism);
  bool known = std::any_of(allowed.begin(), allowed.end(),
                           [&](const auto& m) { return iequals(m, wanted); });
  auth_mechanism_ = wanted;
  if (!known && config_.auth->mechanisms().empty()) {
    co_return smtp::Reply(454, "4.7.0",
                          "Temporary authentication failure: authentication "
                          "server is not available");
  }
  if (!known) {
    log::warning(log_lines::sasl_failed(
        facts_.client, wanted, "Invalid authentication mechanism", auth_user_));
    co_return failed("Invalid authentication mechanism");
  }
  if (auth.initial && *auth.initial != "=" && !base64_decode(*auth.initial)) {
    log::warning(log_lines::sasl_failed(
        facts_.client, wanted, "Invalid base64 data in initial response",
        auth_user_));
    co_return failed("Invalid base64 data in initial response");
  }
  auth::Request request;
  request.no_login = true;
  request.mechanism = wanted;
  request.service = config_.sasl_service;
  request.local_ip = facts_.client.server_address;
  request.remote_ip = facts_.client.address_text;
  request.secured = facts_.tls != nullptr;
  request.initial = auth.initial;
  auto started = co_await config_.auth->start(std::move(request));
  Result<Answer> answer = fail(Fault::Temporary, "");
  if (started) {
    auth_id_ = started->id;
    answer = std::move(started->answer);
  } else {
    answer = fail(started.error());
  }
  auto reply = co_await auth_answer(answer);
  co_return reply;
}

net::Task<smtp::Reply> Session::auth_answer(const Result<Answer>& answer) {
  if (!answer) {
    log::warning(answer.error().what);
    co_return smtp::Reply(454, "4.7.0",
                          "Temporary authentication failure: Connection lost "
                          "to authentication server");
  }
  if (!answer->user.empty()) auth_user_ = answer->user;
  switch (answer->kind) {
    case Answer::Kind::Continue:
      co_return smtp::Reply(334, "", answer->challenge);
    case Answer::Kind::Ok:
      facts_.sasl_method = auth_mechanism_;
      facts_.sasl_username = answer->user;
      co_return smtp::Reply(235, "2.7.0", "Authentication successful");
    case Answer::Kind::Fail:
      break;
  }
  std::string reason =
      answer->reason.empty() ? "(reason unavailable)" : answer->reason;
  log::warning(log_lines::sasl_failed(facts_.client, auth_mechanism_, reason,
                                      auth_user_));
  co_return failed(reason);
}

net::Task<> Session::on(smtp::AuthResponse& response) {
  smtp::Reply reply;
  if (response.too_long) {
    reply = {500, "5.5.6", "SASL response limit exceeded"};
  } else if (response.text == "*") {
    log::warning(log_lines::sasl_aborted(facts_.client, auth_mechanism_));
    reply = {501, "5.7.0", "Authentication aborted"};
  } else if (!base64_decode(response.text)) {
    log::warning(log_lines::sasl_failed(
        facts_.client, auth_mechanism_,
        "Invalid base64 data in continued response", auth_user_));
    reply = failed("Invalid base64 data in continued response");
  } else {
    auto answer = co_await config_.auth->go_on(auth_id_, response.text);
    reply = co_await auth_answer(answer);
  }
  if (reply.code != 334) count(smtp::Verb::Auth, reply);
  co_await this->answer(std::move(reply));
}

}  // namespace mail::smtpd
