// flush(8): remembers which mail waits for which site (ETRN, postqueue -s).
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/daemon/tables.h"
#include "common/ipc/conversation.h"
#include "common/ipc/flush.h"
#include "common/ipc/trigger.h"
#include "common/log/log.h"
#include "common/maps/match_list.h"
#include "queue/flush/logs.h"

namespace mail::flush {

namespace param = config::param;

namespace {

constexpr int kOk = 0, kBad = 3, kDenied = 4, kFail = -1;
constexpr std::chrono::seconds kPeerTime{3600}, kTriggerTime{10};

class FlushService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    const auto& settings = *context.settings;
    layout_ = daemon::queue_layout(settings);
    queue_service_ = "public/" + settings.get(param::queue_service_name);
    ages_ = {.refresh = settings.get(param::fast_flush_refresh_time).count(),
             .purge = settings.get(param::fast_flush_purge_time).count()};
    constexpr std::string_view kList = "fast_flush_domains";
    maps::MatchList::Options options{.kind = maps::ListKind::Domain,
                                     .tables = daemon::table_options(context)};
    for (auto name :
         split(settings.get(param::parent_domain_matches_subdomains))) {
      if (name == kList) options.parents_match = true;
    }
    domains_ = maps::MatchList::open(
        std::string(kList), settings.get(param::fast_flush_domains), options);
    return {};
  }

  net::Task<> serve(net::Stream client) override {
    ipc::greet(client, ipc::kFlushProtocol);
    auto greeted = co_await client.flush(net::Deadline::in(kPeerTime));
    if (!greeted) co_return;
    auto got = co_await client.fill(net::Deadline::in(kPeerTime));
    if (!got || *got == 0) co_return;
    // The master's wake-up call comes on the same socket.
    if (client.input().front() == 'W') {
      auto status = co_await go_through(ages_);
      (void)status;
      co_return;
    }
    while (true) {
      auto request = co_await ipc::receive<ipc::FlushRequest>(
          client, "flush client", net::Deadline::in(kPeerTime));
      if (!request) co_return;
      auto status = co_await answer(std::move(*request));
      ipc::append(client, ipc::Status{status});
      auto sent = co_await client.flush(net::Deadline::in(kPeerTime));
      if (!sent) co_return;
    }
  }

 private:
  net::Task<int> answer(ipc::FlushRequest request) {
    const std::string& what = request.request;
    int status = kBad;
    if (what == "add" || what == "send_site") {
      status = co_await for_site(request);
    } else if (what == "send_file" && queue::QueueId::valid(request.queue_id)) {
      std::function<Result<long>()> job =
          [layout = layout_, id = request.queue_id]() -> Result<long> {
        return TRY(make_due(layout, id)) ? 1 : 0;
      };
      status = co_await run(std::move(job));
    } else if (what == "rfrsh") {
      status = co_await go_through(ages_);
    } else if (what == "purge") {
      status = co_await go_through({});
    }
    co_return status;
  }

  net::Task<int> for_site(const ipc::FlushRequest& request) {
    bool add_one = request.request == "add";
    std::string site = lower(request.site);
    std::string name = log_name(site);
    bool good = !name.empty() && name.size() <= 200 &&
                (!add_one || queue::QueueId::valid(request.queue_id));
    if (!good) co_return kBad;
    auto listed = co_await domains_.match(site);
    if (!listed) co_return kFail;
    if (!*listed) co_return kDenied;
    std::function<Result<long>()> job =
        [layout = layout_, site, name, add_one,
         id = request.queue_id]() -> Result<long> {
      if (!add_one) return make_site_due(layout, name);
      TRY(add(layout, site, id));
      return 0;
    };
    auto status = co_await run(std::move(job));
    co_return status;
  }

  net::Task<int> go_through(Ages ages) {
    std::function<Result<long>()> job = [layout = layout_, ages] {
      return refresh(layout, ages);
    };
    auto status = co_await run(std::move(job));
    co_return status;
  }

  /// Tells the queue manager if mail was moved.
  net::Task<int> run(std::function<Result<long>()> job) {
    auto moved = co_await daemon::run_blocking(std::move(job));
    if (!moved) {
      log::warning(moved.error().what);
      co_return kFail;
    }
    if (*moved == 0) co_return kOk;
    auto woken = co_await ipc::trigger(queue_service_, "I",
                                       net::Deadline::in(kTriggerTime));
    if (!woken) log::warning(woken.error().what);
    co_return kOk;
  }

  queue::Layout layout_;
  std::string queue_service_;
  Ages ages_;
  maps::MatchList domains_;
};

}  // namespace

}  // namespace mail::flush

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "flush", .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::flush::FlushService>();
       }});
}
