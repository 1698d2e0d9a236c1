#include <fmt/format.h>

#include "common/ipc/anvil.h"
#include "common/log/log.h"
#include "smtpd/session.h"

// Counts kept by anvil(8) over all processes.
namespace mail::smtpd {

std::string Session::ident() const {
  return config_.service + ":" + facts_.client.address_text;
}

net::Task<std::optional<smtp::Reply>> Session::count_connection() {
  if (!config_.counts_clients() || exempt_) co_return std::nullopt;
  ipc::AnvilRequest request;
  request.request = "connect";
  request.ident = ident();
  auto reply = co_await config_.anvil->ask<ipc::AnvilConnectReply>(request);
  if (!reply) {
    log::warning(reply.error().what);
    co_return std::nullopt;  // a counter that is down keeps nobody out
  }
  counted_ = true;
  const ClientFacts& client = facts_.client;
  auto over = [](size_t limit, int value) {
    return limit > 0 && value > 0 && static_cast<size_t>(value) > limit;
  };
  std::string_view what;
  int value = 0;
  if (over(config_.connection_count, reply->count)) {
    what = "Connection concurrency limit exceeded";
    value = reply->count;
  } else if (over(config_.connection_rate, reply->rate)) {
    what = "Connection rate limit exceeded";
    value = reply->rate;
  } else {
    co_return std::nullopt;
  }
  log::warning(fmt::format("{}: {} from {} for service {}", what, value,
                           client.name_addr, config_.service));
  co_return smtp::Reply(421, "4.7.0",
                        fmt::format("{} Error: too many connections from {}",
                                    config_.host, client.address_text));
}

net::Task<> Session::forget_connection() {
  if (!counted_) co_return;
  ipc::AnvilRequest request;
  request.request = "disconnect";
  request.ident = ident();
  auto reply = co_await config_.anvil->ask<ipc::Status>(request);
  (void)reply;
}

net::Task<std::optional<smtp::Reply>> Session::over_rate(
    const char* event, size_t limit, std::string_view what,
    const smtp::Reply& refusal) {
  if (limit == 0 || exempt_) co_return std::nullopt;
  std::string name(what);
  smtp::Reply answer = refusal;
  ipc::AnvilRequest request;
  request.request = event;
  request.ident = ident();
  auto reply = co_await config_.anvil->ask<ipc::AnvilRateReply>(request);
  if (!reply || reply->rate <= 0 || static_cast<size_t>(reply->rate) <= limit) {
    co_return std::nullopt;
  }
  log::warning(fmt::format("{} rate limit exceeded: {} from {} for service {}",
                           name, reply->rate, facts_.client.name_addr,
                           config_.service));
  co_return answer;
}

}  // namespace mail::smtpd
