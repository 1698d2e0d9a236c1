#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/ipc/rewrite.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "common/queue/delivery_line.h"
#include "common/queue/source.h"
#include "queue/qmgr/manager.h"

namespace mail::qmgr {

namespace param = config::param;

namespace {
constexpr size_t kChunk = 5000;
// Only after a crash of ours do agents hold what we have not given them.
constexpr std::chrono::seconds kLockedTime{10};
constexpr int kNotifySuccess = 2;
}  // namespace

/// The lines that Postfix writes of a file that ends too early, and of one
/// that is something else.
void Manager::corrupt(const std::string& id, std::string_view why) {
  bool cut = why.starts_with("unexpected EOF");
  if (cut) {
    log::warning(fmt::format("active/{}: {}", id,
                             why.substr(0, why.rfind(" at offset"))));
  }
  if (cut || why.starts_with("file without")) {
    log::warning(fmt::format("{}: message rejected: missing end record", id));
  } else if (why.starts_with("Unexpected record")) {
    log::warning(why);
  } else {
    log::warning(fmt::format("{}: {}", id, why));
  }
  log::warning(
      fmt::format("saving corrupt file \"{}\" from queue \"active\" "
                  "to queue \"corrupt\"",
                  id));
  auto moved = queue::rename(layout_, id, queue::kActive, queue::kCorrupt);
  if (!moved) log::warning(moved.error().what);
}

/// The next recipients of the file; all of them at once if need be.
net::Task<Result<std::vector<queuefile::FileRecipient>>> Manager::read(
    Message& message) {
  auto fd = queue::open(layout_, queue::kActive, message.id, O_RDWR);
  CO_CHECK(fd);
  auto locked = queue::try_lock(fd->get(), queue::Lock::Exclusive);
  CO_CHECK(locked);
  if (!*locked) co_return fail(Error{Fault::Temporary, "locked", EWOULDBLOCK});
  queue::FileSource source(fd->get());
  std::vector<queuefile::FileRecipient> recipients;
  CO_TRY(message.parser.read(source, kChunk, recipients));
  const auto& sizes = message.envelope().sizes;
  bool mixed = sizes && (sizes->qmgr_flags & queuefile::qmgr_flag::kReadAll);
  if (!message.parser.finished() && (mixed || !message.envelope().sender)) {
    CO_TRY(message.parser.read(source, SIZE_MAX, recipients));
  }
  co_return recipients;
}

net::Task<> Manager::activate_later(std::string id, bool from_deferred,
                                    mode_t mode) {
  co_await net::sleep(kLockedTime);
  co_await activate(std::move(id), from_deferred, mode);
}

net::Task<> Manager::activate(std::string id, bool from_deferred, mode_t mode) {
  auto message = std::make_unique<Message>();
  message->id = id;
  message->expire_now = mode & queue::kExpire;
  auto recipients = co_await read(*message);
  if (!recipients) {
    if (recipients.error().sys == EWOULDBLOCK) {
      log::info(fmt::format("{}: skipped, still being delivered", id));
      tasks_.start(activate_later(std::move(id), from_deferred, mode));
    } else if (recipients.error().fault == Fault::Protocol) {
      corrupt(id, recipients.error().what);
    } else {
      log::warning(fmt::format("{}: {}", id, recipients.error().what));
      (void)queue::rename(layout_, id, queue::kActive, queue::kDeferred);
    }
    co_return;
  }
  const auto& envelope = message->envelope();
  if (!envelope.sizes || !envelope.sender || envelope.content_offset == 0) {
    corrupt(id, "message has no size, sender or content");
    co_return;
  }
  message->stats.incoming_arrival = {envelope.arrival_sec,
                                     envelope.arrival_usec};
  message->stats.active_arrival = queue::time_now();
  size_t count = message->parser.finished()
                     ? recipients->size()
                     : static_cast<size_t>(envelope.sizes->recipient_count);
  log::info(fmt::format("{}: from=<{}>, size={}, nrcpt={} (queue active)", id,
                        shown(message->sender()),
                        envelope.sizes->content_length > 0
                            ? envelope.sizes->content_length
                            : envelope.sizes->content_size,
                        count));
  // An expired one is returned with what the last round said, if it had one.
  bool over = message->expire_now &&
              access(layout_.path(queue::kDefer, id).c_str(), F_OK) == 0;
  // A new round: what the last one said of its recipients is history.
  if (from_deferred && !over) (void)queue::remove(layout_, queue::kDefer, id);
  Message& active = *message;
  active_[id] = std::move(message);
  ++active.outstanding;  // held until all recipients are assigned
  if (over) {
    active.deferred = true;
  } else {
    co_await assign(active, std::move(*recipients));
  }
  entry_done(active, false);
}

net::Task<Manager::Route> Manager::route(
    Message& message, const queuefile::FileRecipient& recipient) {
  const auto& envelope = message.envelope();
  Route out;
  out.recipient = recipient.recipient;
  auto to = [&](std::string_view service, std::string_view why) {
    out.transport = service;
    out.nexthop = why;
    return out;
  };
  constexpr std::string_view retry = "retry";
  if (message.expire_now) {
    co_return to(retry, "4.7.0 message is administratively expired");
  }
  std::string address =
      envelope.redirect_to.empty() ? recipient.recipient : envelope.redirect_to;
  if (address.empty()) {
    co_return to("error", "5.1.3 null recipient address");
  }
  auto use = envelope.trace_flags & ipc::delivery_flag::kMtaVerify
                 ? ipc::RewriteClient::Use::Verify
                 : ipc::RewriteClient::Use::Delivery;
  auto resolved = co_await rewrite_->resolve(message.sender(), address, use);
  if (!resolved) {
    log::warning(resolved.error().what);
    co_return to(retry, "4.3.0 address resolver failure");
  }
  if (resolved->flags & ipc::resolve_flag::kFail) {
    co_return to(retry, "4.3.0 address resolver failure");
  }
  if (resolved->flags & ipc::resolve_flag::kError) {
    co_return to("error", "5.1.3 bad address syntax");
  }
  out.transport = resolved->transport;
  out.nexthop = resolved->nexthop;
  out.recipient = resolved->recipient;
  auto parts = mime::split_address(out.recipient);
  if ((resolved->flags & ipc::resolve_flag::kLocal) &&
      iequals(parts.local, double_bounce_)) {
    out.discard = true;
    co_return out;
  }
  bool probe = envelope.trace_flags & (ipc::delivery_flag::kMtaVerify |
                                       ipc::delivery_flag::kUserVerify);
  if (!envelope.content_filter.empty() && !probe) {
    size_t colon = envelope.content_filter.find(':');
    out.transport = envelope.content_filter.substr(0, colon);
    std::string hop = colon == std::string::npos
                          ? ""
                          : envelope.content_filter.substr(colon + 1);
    if (hop.empty()) hop = settings_.get(param::default_filter_nexthop);
    if (hop.empty() && parts.domain) hop = *parts.domain;
    out.nexthop = hop;
  }
  if (defer_transports_.contains(out.transport) && !ignore_defer_transports_) {
    co_return to(retry, "4.3.2 deferred transport");
  }
  co_return out;
}

/// Nobody is left to be told: the notice ends here.
void Manager::discard_notice(const Message& message,
                             const ipc::Recipient& recipient) {
  queue::DeliveryLine line;
  std::string to = shown(recipient.recipient);
  line.queue_id = message.id;
  line.recipient = to;
  line.stats = message.stats;
  line.now = queue::time_now();
  line.dsn = "2.0.0";
  line.status = "sent";
  line.text = "undeliverable postmaster notification discarded";
  log::info(queue::delivery_line(line));
}

net::Task<> Manager::assign(Message& message,
                            std::vector<queuefile::FileRecipient> recipients) {
  // By transport, next hop and queue, in the order in which they came.
  struct Group {
    Destination* destination;
    Entry entry;
  };
  std::vector<Group> groups;
  std::map<Destination*, size_t> open_groups;
  for (auto& recipient : recipients) {
    auto where = co_await route(message, recipient);
    ipc::Recipient r{recipient.original_recipient, where.recipient,
                     recipient.offset, recipient.dsn_orig_rcpt,
                     recipient.notify_flags};
    if (recipient.notify_flags & kNotifySuccess) {
      message.any_success_notice = true;
    }
    if (where.discard) {
      discard_notice(message, r);
      continue;
    }
    Transport& t = transport(where.transport);
    std::string name =
        queue_name(t, where.nexthop, where.recipient, delimiters_);
    Destination& d = t.destination(name, where.nexthop);
    auto at = open_groups.find(&d);
    if (at == open_groups.end() ||
        groups[at->second].entry.recipients.size() >= t.recipient_limit) {
      open_groups[&d] = groups.size();
      groups.push_back({&d, {&message, {}}});
      at = open_groups.find(&d);
    }
    groups[at->second].entry.recipients.push_back(std::move(r));
  }
  for (auto& group : groups) {
    ++message.outstanding;
    message.recipients_in_memory += group.entry.recipients.size();
    recipients_ += group.entry.recipients.size();
    group.destination->waiting.push_back(std::move(group.entry));
  }
  for (auto& group : groups) pump(*group.destination);
}

}  // namespace mail::qmgr
