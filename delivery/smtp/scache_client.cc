#include "delivery/smtp/scache_client.h"

#include <poll.h>

#include "common/config/postfix/params.h"
#include "common/log/log.h"

namespace mail::smtpc {

namespace param = config::param;

namespace {

constexpr char kPeer[] = "private/scache socket";

/// Sends a request and takes the reply.
template <class Reply, class Request>
net::Task<Result<Reply>> ask(net::Stream& stream, Request request,
                             net::Deadline deadline) {
  ipc::append(stream, request);
  auto sent = co_await stream.flush(deadline);
  CO_CHECK(sent);
  auto reply = co_await ipc::receive<Reply>(stream, kPeer, deadline);
  co_return reply;
}

}  // namespace

ScacheClient::ScacheClient(const config::Settings& settings)
    : client_(
          {.path =
               "private/" + settings.get(param::connection_cache_service_name),
           .protocol = ipc::kScacheProtocol,
           .timeout = settings.get(param::connection_cache_protocol_timeout)}),
      timeout_(settings.get(param::connection_cache_protocol_timeout)) {}

net::Task<Result<net::Stream>> ScacheClient::take_stream() {
  if (kept_) {
    net::Stream stream = std::move(*kept_);
    kept_.reset();
    pollfd quiet{stream.fd(), POLLIN, 0};
    if (poll(&quiet, 1, 0) == 0) co_return stream;  // else it has ended
  }
  auto stream = co_await client_.connect();
  co_return stream;
}

net::Task<Result<std::optional<ScacheClient::Found>>> ScacheClient::try_find(
    net::Stream& stream, Kind kind, std::string label) {
  ipc::ScacheRequest request;
  request.request = kind == Kind::Destination ? "find_dest" : "find_endp";
  request.label = std::move(label);
  Found found;
  int status = 0;
  if (kind == Kind::Destination) {
    auto reply = co_await ask<ipc::ScacheDestinationReply>(
        stream, std::move(request), deadline());
    CO_CHECK(reply);
    status = reply->status;
    found.property = std::move(reply->endpoint_property);
  } else {
    auto reply = co_await ask<ipc::ScacheEndpointReply>(
        stream, std::move(request), deadline());
    CO_CHECK(reply);
    status = reply->status;
    found.property = std::move(reply->property);
  }
  if (status != 0) co_return std::optional<Found>();
  if (!stream.input().empty()) {
    co_return fail(Fault::Protocol, "private/scache: unexpected bytes");
  }
  ipc::append(stream, ipc::ScacheReady{});
  auto ready = co_await stream.flush(deadline());
  CO_CHECK(ready);
  auto fd = co_await stream.receive_fd(deadline());
  found.fd = CO_TRY(fd);
  ipc::append(stream, ipc::ScacheReady{});
  auto thanked = co_await stream.flush(deadline());
  CO_CHECK(thanked);
  std::optional<Found> out = std::move(found);
  co_return out;
}

net::Task<std::optional<ScacheClient::Found>> ScacheClient::find(
    Kind kind, std::string label) {
  auto stream = co_await take_stream();
  if (!stream) {
    log::warning(stream.error().what);
    co_return std::nullopt;
  }
  auto found = co_await try_find(*stream, kind, std::move(label));
  if (!found) {
    log::warning(found.error().what);
    co_return std::nullopt;
  }
  kept_ = std::move(*stream);
  co_return std::move(*found);
}

net::Task<Result<>> ScacheClient::try_save(net::Stream& stream,
                                           const Entry& entry) {
  ipc::ScacheRequest request;
  request.request = "save_dest";
  request.ttl = static_cast<int>(entry.ttl.count());
  request.label = entry.destination;
  request.endpoint = entry.endpoint;
  auto named = co_await ask<ipc::Status>(stream, request, deadline());
  CO_CHECK(named);
  request.request = "save_endp";
  request.label = entry.endpoint;
  request.property = entry.property;
  auto ready = co_await ask<ipc::ScacheReady>(stream, request, deadline());
  CO_CHECK(ready);
  auto passed = co_await stream.send_fd(entry.fd.get(), deadline());
  CO_CHECK(passed);
  auto kept = co_await ipc::receive<ipc::Status>(stream, kPeer, deadline());
  CO_CHECK(kept);
  co_return Result<>{};
}

net::Task<> ScacheClient::save(Entry entry) {
  auto stream = co_await take_stream();
  if (!stream) {
    log::warning(stream.error().what);
    co_return;
  }
  auto saved = co_await try_save(*stream, entry);
  if (!saved) {
    log::warning(saved.error().what);
    co_return;
  }
  kept_ = std::move(*stream);
}

}  // namespace mail::smtpc
