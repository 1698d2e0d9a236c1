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

}  // namespace

TlsSessions::TlsSessions(const config::Settings& settings, std::string type)
    : client_(settings), type_(std::move(type)) {}

net::Task<std::string> TlsSessions::find(std::string key) {
  auto request = make("lookup", type_, std::move(key));
  auto reply = co_await client_.ask<ipc::TlsmgrSessionReply>(request);
  if (!reply) co_return std::string();
  co_return reply->status == 0 ? std::move(reply->session.bytes)
                               : std::string();
}

net::Task<> TlsSessions::save(std::string key, std::string session) {
  auto request = make("update", type_, std::move(key));
  request.session.bytes = std::move(session);
  auto reply = co_await client_.ask<ipc::Status>(request);
  (void)reply;  // the next session does without
}

net::Task<> TlsSessions::forget(std::string key) {
  auto request = make("delete", type_, std::move(key));
  auto reply = co_await client_.ask<ipc::Status>(request);
  (void)reply;  // the next session does without
}

}  // namespace mail::smtpc
