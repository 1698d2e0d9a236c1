#include "common/ipc/rewrite_client.h"

#include <fmt/format.h>

#include "common/config/postfix/params.h"
#include "common/mime/address.h"

namespace mail::ipc {

namespace param = config::param;

namespace {
constexpr std::chrono::seconds kKeepTime{30};
constexpr size_t kKeepLimit = 1000;

template <class Map>
void make_room(Map& map) {
  if (map.size() >= kKeepLimit) map.clear();
}
}  // namespace

RewriteClient::RewriteClient(const config::Settings& settings)
    : client_({.path = "private/" + settings.get(param::rewrite_service_name),
               .protocol = kRewriteProtocol,
               .idle = settings.get(param::ipc_ttl),
               .timeout = settings.get(param::ipc_timeout)}) {}

net::Task<Result<std::string>> RewriteClient::complete(std::string address) {
  if (address.empty()) co_return address;
  Instant now = Clock::now();
  auto at = completed_.find(address);
  if (at != completed_.end() && at->second.until > now) {
    co_return at->second.value;
  }
  RewriteRequest request;
  request.rule = "local";
  request.address = mime::quote_local(address);
  auto reply = co_await client_.ask<RewriteReply>(request);
  CO_CHECK(reply);
  if (reply->server_flags != 0) client_.forget();
  std::string result = mime::unquote_local(reply->address);
  make_room(completed_);
  completed_[address] = {result, now + kKeepTime};
  co_return result;
}

net::Task<Result<ResolveReply>> RewriteClient::resolve(std::string sender,
                                                       std::string address,
                                                       Use use) {
  Instant now = Clock::now();
  std::string_view kind = use == Use::Verify ? "verify" : "resolve";
  std::string key = fmt::format("{}\n{}\n{}", kind, sender, address);
  auto at = resolved_.find(key);
  if (at != resolved_.end() && at->second.until > now) {
    co_return at->second.value;
  }
  ResolveRequest request;
  request.request = kind;
  request.sender = std::move(sender);
  request.address = std::move(address);
  auto reply = co_await client_.ask<ResolveReply>(request);
  CO_CHECK(reply);
  if (reply->server_flags != 0) client_.forget();
  // A lookup that failed is asked again: it may be mended the next moment.
  if (!(reply->flags & resolve_flag::kFail)) {
    make_room(resolved_);
    resolved_[key] = {*reply, now + kKeepTime};
  }
  co_return std::move(*reply);
}

}  // namespace mail::ipc
