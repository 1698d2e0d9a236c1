#include "delivery/agent.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/daemon/tables.h"
#include "common/ipc/conversation.h"
#include "common/log/log.h"
#include "common/queue/spool.h"

namespace mail::delivery {

namespace param = config::param;

namespace {

constexpr std::chrono::seconds kCloseTime{100};

/// The queue manager names queue and id; nothing else may be opened.
Result<UniqueFd> open_message(const Request& request,
                              const queue::Layout& layout) {
  bool known = request.queue_name == queue::kActive ||
               request.queue_name == queue::kIncoming;
  if (!known || !queue::QueueId::valid(request.queue_id)) {
    return fail(Fault::Protocol,
                fmt::format("bad queue name or id: {} {}", request.queue_name,
                            request.queue_id));
  }
  UniqueFd fd =
      TRY(queue::open(layout, request.queue_name, request.queue_id, O_RDWR));
  // Shared: the queue manager sees that somebody still delivers this.
  if (!TRY(queue::try_lock(fd.get(), queue::Lock::Shared))) {
    return fail(Fault::Temporary,
                fmt::format("{}: lock: busy", request.queue_id));
  }
  return fd;
}

}  // namespace

Result<> Agent::open(daemon::Context& context) {
  context_ = &context;
  reporting_ = std::make_unique<Reporting>(context.settings);
  constexpr std::string_view kFlush = "fast_flush_domains";
  maps::MatchList::Options options;
  options.kind = maps::ListKind::Domain;
  options.tables = daemon::table_options(context);
  const auto& parents = settings().get(param::parent_domain_matches_subdomains);
  for (std::string_view name : split(parents)) {
    if (name == kFlush) options.parents_match = true;
  }
  reporting_->set_flush_domains(maps::MatchList::open(
      std::string(kFlush), settings().get(param::fast_flush_domains), options));
  return open_agent(context);
}

Result<> Agent::filter_status(std::string title, const std::string& value) {
  reporting_->set_filter(TRY(maps::Tables::open(
      std::move(title), value, daemon::table_options(*context_))));
  return {};
}

net::Task<Result<>> Agent::receive(net::Stream& stream, Request& request) {
  auto deadline = net::Deadline::in(settings().get(param::ipc_timeout));
  auto head = co_await ipc::receive<ipc::DeliveryRequest>(
      stream, "queue manager", deadline);
  CO_CHECK(head);
  static_cast<ipc::DeliveryRequest&>(request) = std::move(*head);
  request.stats = CO_TRY(queue::decode_stats(request.time.bytes));
  for (int i = 0; i < request.recipient_count; ++i) {
    auto recipient = co_await ipc::receive<ipc::Recipient>(
        stream, "queue manager", deadline);
    CO_CHECK(recipient);
    request.recipients.push_back(std::move(*recipient));
  }
  co_return Result<>{};
}

net::Task<> Agent::serve(net::Stream stream) {
  ipc::greet(stream, ipc::kDeliveryProtocol);
  auto greeted = co_await stream.flush(net::Deadline::in(kCloseTime));
  if (!greeted) co_return;
  Request request;
  auto received = co_await receive(stream, request);
  if (!received) {
    // The queue manager connects ahead of need and may close unused.
    if (received.error().sys != ECONNRESET) {
      log::warning(received.error().what);
    }
    co_return;
  }
  ipc::DeliveryReply reply;
  queue::Layout layout;
  auto file = open_message(request, layout);
  if (!file) {
    log::warning(fmt::format("{}: {}", request.queue_id, file.error().what));
    reply.status = -1;
  } else {
    request.file = std::move(*file);
    Report report(*reporting_, request);
    reply.dsn = co_await deliver(request, report);
    reply.status = report.status();
  }
  request.file.reset();  // unlocked before the queue manager goes on
  ipc::append(stream, reply);
  auto sent = co_await stream.flush(net::Deadline::in(kCloseTime));
  if (!sent) co_return;
  auto closed = co_await stream.fill(net::Deadline::in(kCloseTime));
  (void)closed;
}

}  // namespace mail::delivery
