#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "common/config/postfix/params.h"
#include "common/ipc/bounce.h"
#include "common/log/log.h"
#include "queue/qmgr/manager.h"

namespace mail::qmgr {

namespace param = config::param;
namespace request = ipc::bounce_request;

namespace {
constexpr int kTraceFlags = ipc::delivery_flag::kUserVerify |
                            ipc::delivery_flag::kRecord |
                            ipc::delivery_flag::kDelayCleared;

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }
}  // namespace

net::Task<bool> Manager::tell_bounce(Message& message, ipc::Client& service,
                                     int what, int flags) {
  const auto& e = message.envelope();
  ipc::BounceSend send;
  send.nrequest = what;
  send.flags = flags | e.trace_flags;
  send.queue_name = queue::kActive;
  send.queue_id = message.id;
  send.encoding = e.encoding;
  send.smtputf8 = e.sizes ? static_cast<int>(e.sizes->smtputf8) : 0;
  send.sender = message.sender();
  send.envelope_id = e.envelope_id;
  send.ret_flags = e.ret_flags;
  if (what == request::kFlush && !e.verp_delimiters.empty()) {
    send.nrequest = request::kVerp;
    send.verp_delimiters = e.verp_delimiters;
  }
  auto status = co_await service.ask<ipc::Status>(send);
  if (!status) log::warning(status.error().what);
  co_return status && status->status == 0;
}

/// All entries are answered: read on, tell the sender, put off or remove.
net::Task<> Manager::finish(Message* message) {
  if (!message->parser.finished()) {
    ++message->outstanding;
    auto more = co_await read(*message);
    if (more) {
      co_await assign(*message, std::move(*more));
      entry_done(*message, false);
      co_return;
    }
    log::warning(fmt::format("{}: {}", message->id, more.error().what));
    message->deferred = true;
    --message->outstanding;
  }
  if (exists(layout_.path(queue::kBounce, message->id))) {
    auto sent = co_await tell_bounce(*message, *bounce_, request::kFlush, 0);
    if (!sent) message->deferred = true;
  }
  bool traced = message->any_success_notice ||
                (message->envelope().trace_flags & kTraceFlags);
  if (traced && exists(layout_.path(queue::kTrace, message->id))) {
    auto sent = co_await tell_bounce(*message, *trace_, request::kTrace, 0);
    if (!sent) message->deferred = true;
  }
  co_await retire(*message);
  std::string id = message->id;
  active_.erase(id);
  room_.notify_all();
}

net::Task<> Manager::retire(Message& message) {
  if (!message.deferred) {
    auto removed = queue::remove(layout_, queue::kActive, message.id);
    if (!removed) {
      log::warning(removed.error().what);
    } else {
      log::info(message.id + ": removed");
    }
    co_return;
  }
  long age = time(nullptr) - message.created();
  long limit = message.sender().empty() ? bounce_lifetime_ : lifetime_;
  if (message.expire_now || age >= limit) {
    log::info(fmt::format("{}: from=<{}>, status={}, returned to sender",
                          message.id, shown(message.sender()),
                          message.expire_now ? "force-expired" : "expired"));
    auto sent = co_await tell_bounce(message, *defer_, request::kFlush, 0);
    if (sent) {
      (void)queue::remove(layout_, queue::kActive, message.id);
      log::info(message.id + ": removed");
      co_return;
    }
  } else {
    const auto& e = message.envelope();
    if (e.warning_time > 0 && time(nullptr) >= e.warning_time - 1) {
      auto warned = co_await tell_bounce(message, *defer_, request::kWarn, 0);
      if (warned) {
        auto fd = queue::open(layout_, queue::kActive, message.id, O_RDWR);
        if (fd) (void)queue::mark_warned(fd->get(), e.warning_offset);
      }
    }
  }
  put_off(message);
}

/// Back to deferred; tried again after as long as it has been here, within
/// the two backoff times.
void Manager::put_off(Message& message) {
  auto seconds = [](Duration d) {
    return std::chrono::duration_cast<std::chrono::seconds>(d).count();
  };
  long now = time(nullptr);
  long delay =
      std::clamp<long>(now - message.created(), seconds(minimal_backoff_),
                       seconds(maximal_backoff_));
  std::string path = layout_.path(queue::kActive, message.id);
  auto stamped = queue::set_mtime(path, now + delay);
  if (!stamped) log::warning(stamped.error().what);
  auto moved =
      queue::rename(layout_, message.id, queue::kActive, queue::kDeferred);
  if (!moved) log::warning(moved.error().what);
}

}  // namespace mail::qmgr
