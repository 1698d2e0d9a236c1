// scache(8): keeps SMTP connections open between deliveries, for whichever
// delivery agent needs them next.
#include <fmt/format.h>

#include <ctime>

#include "common/base/stamp.h"
#include "common/config/postfix/params.h"
#include "common/daemon/service.h"
#include "common/ipc/conversation.h"
#include "common/ipc/scache.h"
#include "common/log/log.h"
#include "delivery/scache/cache.h"

namespace mail::scache {

namespace param = config::param;
using namespace std::chrono_literals;

namespace {

class ScacheService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    const auto& settings = *context.settings;
    ttl_limit_ = settings.get(param::connection_cache_ttl_limit);
    report_every_ = settings.get(param::connection_cache_status_update_time);
    interval_start_ = WallClock::now();
    return {};
  }

  net::Task<Result<>> start(daemon::Context& context) override {
    context.tasks->start(expire());
    context.tasks->start(report());
    co_return Result<>{};
  }

  net::Task<> serve(net::Stream client) override {
    ipc::greet(client, ipc::kScacheProtocol);
    while (true) {
      auto sent = co_await client.flush(net::Deadline::in(kPeerTime));
      if (!sent) co_return;
      auto request = co_await ipc::receive<ipc::ScacheRequest>(
          client, "scache client", net::Deadline::never());
      if (!request) co_return;
      auto going_on = co_await answer(client, *request);
      if (!going_on) co_return;
    }
  }

  void stop() override { log_statistics(); }

 private:
  static constexpr std::chrono::seconds kPeerTime{100};

  Instant expiry(int ttl) const {
    auto wanted = std::chrono::seconds(std::max(ttl, 0));
    return Clock::now() + std::min<Duration>(wanted, ttl_limit_);
  }

  net::Task<bool> answer(net::Stream& client,
                         const ipc::ScacheRequest& request) {
    if (request.request == "save_endp") {
      ipc::append(client, ipc::ScacheReady{});
      auto ready = co_await client.flush(net::Deadline::in(kPeerTime));
      if (!ready || !client.input().empty()) co_return false;
      auto fd = co_await client.receive_fd(net::Deadline::in(kPeerTime));
      if (!fd) co_return false;
      cache_.save_endpoint({request.label, request.property, std::move(*fd),
                            expiry(request.ttl)});
      ipc::append(client, ipc::Status{0});
      co_return true;
    }
    if (request.request == "save_dest") {
      cache_.save_destination({request.label, request.property,
                               request.endpoint, expiry(request.ttl)});
      ipc::append(client, ipc::Status{0});
      co_return true;
    }
    bool by_destination = request.request == "find_dest";
    if (!by_destination && request.request != "find_endp") {
      log::warning(fmt::format("unrecognized request: \"{}\", ignored",
                               request.request));
      ipc::append(client, ipc::Status{1});
      co_return true;
    }
    auto found = by_destination ? cache_.take_destination(request.label)
                                : cache_.take_endpoint(request.label);
    int status = found ? 0 : 2;
    Cache::Found nothing;
    Cache::Found& reply = found ? *found : nothing;
    if (by_destination) {
      ipc::append(client, ipc::ScacheDestinationReply{
                              status, reply.destination_property,
                              reply.endpoint_property});
    } else {
      ipc::append(client,
                  ipc::ScacheEndpointReply{status, reply.endpoint_property});
    }
    if (!found) co_return true;
    auto answered = co_await client.flush(net::Deadline::in(kPeerTime));
    if (!answered) co_return false;
    auto ready = co_await ipc::receive<ipc::ScacheReady>(
        client, "scache client", net::Deadline::in(kPeerTime));
    if (!ready) co_return false;
    auto passed =
        co_await client.send_fd(reply.fd.get(), net::Deadline::in(kPeerTime));
    if (!passed) co_return false;
    auto taken = co_await ipc::receive<ipc::ScacheReady>(
        client, "scache client", net::Deadline::in(kPeerTime));
    co_return taken.has_value();
  }

  net::Task<> expire() {
    while (true) {
      co_await net::sleep(1s);
      cache_.expire(Clock::now());
    }
  }

  net::Task<> report() {
    while (true) {
      co_await net::sleep(report_every_);
      log_statistics();
    }
  }

  static std::string percent(size_t hits, size_t misses) {
    return fmt::format("hits={} miss={} success={}%", hits, misses,
                       hits * 100 / (hits + misses));
  }

  void log_statistics() {
    auto s = cache_.take_statistics();
    time_t start = WallClock::to_time_t(interval_start_);
    interval_start_ = WallClock::now();
    if (s.domain_hits + s.domain_misses + s.address_hits + s.address_misses +
            s.max_connections ==
        0) {
      return;
    }
    tm local{};
    localtime_r(&start, &local);
    log::info("statistics: start interval " + stamp(local));
    if (s.domain_hits + s.domain_misses > 0) {
      log::info("statistics: domain lookup " +
                percent(s.domain_hits, s.domain_misses));
    }
    if (s.address_hits + s.address_misses > 0) {
      log::info("statistics: address lookup " +
                percent(s.address_hits, s.address_misses));
    }
    log::info(
        fmt::format("statistics: max simultaneous domains={} "
                    "addresses={} connection={}",
                    s.max_domains, s.max_addresses, s.max_connections));
  }

  Cache cache_;
  Duration ttl_limit_{};
  Duration report_every_{};
  WallTime interval_start_;
};

}  // namespace

}  // namespace mail::scache

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "scache",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::scache::ScacheService>();
       },
       .limit = mail::daemon::ProcessLimit::One,
       .clients = 5000});
}
