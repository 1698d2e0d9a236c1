#include "delivery/smtp/tls_sessions.h"

#include <fmt/format.h>

#include "common/config/postfix/params.h"
#include "common/ipc/tlsmgr.h"
#include "common/log/log.h"

namespace mail::smtpc {

namespace param = config::param;

namespace {

ipc::TlsmgrRequest make(std::string what, std::string type, std::string key) {
  ipc::TlsmgrRequest out;
  out.request = std::move(what);
  out.cache_type = std::move(type);
  out.cache_id = std::move(key);
  return out;
}

void warn(const Error& error) {
  log::warning(
      fmt::format("problem talking to server private/tlsmgr: {}", error.what));
}

}  // namespace

TlsSessions::TlsSessions(const config::Settings& settings, std::string type)
    : client_({.path = "private/" + settings.get(param::tlsmgr_service_name),
               .protocol = ipc::kTlsmgrProtocol,
               .idle = settings.get(param::ipc_idle),
               .timeout = settings.get(param::ipc_timeout)}),
      type_(std::move(type)) {}

net::Task<std::string> TlsSessions::find(std::string key) {
  auto request = make("lookup", type_, std::move(key));
  auto reply = co_await client_.ask<ipc::TlsmgrSessionReply>(request);
  if (!reply) {
    warn(reply.error());
    co_return std::string();
  }
  co_return reply->status == 0 ? std::move(reply->session.bytes)
                               : std::string();
}

net::Task<> TlsSessions::save(std::string key, std::string session) {
  auto request = make("update", type_, std::move(key));
  request.session.bytes = std::move(session);
  auto reply = co_await client_.ask<ipc::Status>(request);
  if (!reply) warn(reply.error());
}

net::Task<> TlsSessions::forget(std::string key) {
  auto request = make("delete", type_, std::move(key));
  auto reply = co_await client_.ask<ipc::Status>(request);
  if (!reply) warn(reply.error());
}

}  // namespace mail::smtpc
