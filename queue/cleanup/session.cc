#include "queue/cleanup/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/number.h"
#include "common/config/postfix/params.h"
#include "common/ipc/bounce.h"
#include "common/ipc/trigger.h"
#include "common/log/log.h"
#include "common/queuefile/envelope.h"
#include "queue/cleanup/milters.h"

namespace mail::cleanup {

using queuefile::Type;
namespace flag = ipc::cleanup_flag;
namespace param = config::param;
namespace status = ipc::cleanup_status;

namespace {

net::Task<> wake(Shared* shared, std::string path) {
  do {
    shared->wake_again = false;
    auto woken = co_await ipc::trigger(
        path, "W", net::Deadline::in(std::chrono::seconds(10)));
    (void)woken;  // a queue manager that is down scans when it starts
  } while (shared->wake_again);
  shared->waking_qmgr = false;
}

}  // namespace

void Shared::wake_qmgr() {
  wake_again = true;
  if (waking_qmgr) return;
  waking_qmgr = true;
  tasks->start(
      wake(this, "public/" + config->settings->get(param::queue_service_name)));
}

Session::Session(Shared& shared)
    : shared_(shared),
      s_(*shared.config, *shared.rewriter),
      envelope_(s_),
      content_(s_) {}

net::Task<> Session::serve(net::Stream stream) {
  auto opened = co_await open(stream);
  if (opened) {
    auto whole = co_await receive(stream);
    if (whole) {
      co_await conclude();
      ipc::append(stream, ipc::StatusReason{s_.status, reason_text()});
      auto deadline =
          net::Deadline::in(s_.config.settings->get(param::ipc_timeout));
      auto sent = co_await stream.flush(deadline);
      // The promise is kept whether or not the client hears of it.
      (void)sent;
    }
  }
  // Filters of an SMTP session stay smtpd's; we only had their sockets.
  if (s_.own_milters) co_await s_.milters.quit();
  if (!kept_) discard_file();
}

net::Task<bool> Session::open(net::Stream& stream) {
  auto deadline =
      net::Deadline::in(s_.config.settings->get(param::ipc_timeout));
  while (true) {
    auto file = queue::create(s_.config.layout, queue::kIncoming);
    if (file) {
      s_.out = OutFile(std::move(*file));
      break;
    }
    // A full disk or no descriptors: the client waits for the greeting, and
    // gives up when it has to.
    log::warning(fmt::format("mail_queue_enter: {}", file.error().what));
    if (stream.fd() < 0 || deadline.passed()) co_return false;
    co_await net::sleep(std::chrono::seconds(10));
  }
  ipc::append(stream, ipc::CleanupGreeting{ipc::kCleanupProtocol, s_.out.id()});
  auto greeted = co_await stream.flush(deadline);
  if (!greeted) co_return false;
  auto flags = co_await ipc::receive<ipc::CleanupFlags>(
      stream, "cleanup client", deadline);
  if (!flags) co_return false;
  s_.flags = flags->flags;
  // Mail that did not come by SMTP has its own filters; the SMTP server hands
  // its filters over with the message.
  s_.milters_used = (s_.flags & flag::kMilter) && !s_.config.milters.empty();
  if (!daemon::take_flow_token() &&
      s_.config.in_flow_delay > std::chrono::seconds(0)) {
    co_await net::sleep(s_.config.in_flow_delay);
  }
  envelope_.begin();
  co_return true;
}

/// Until the end record. False: the client has gone before.
net::Task<bool> Session::receive(net::Stream& stream) {
  auto timeout = s_.config.settings->get(param::ipc_timeout);
  while (place_ != Place::Finished) {
    auto record = reader_.next();
    if (!record) {
      log::warning(fmt::format("{}: {}", s_.out.id(), record.error().what));
      s_.add_error(status::kBad);
      co_return true;
    }
    if (*record) {
      if (!pass_line(**record)) co_await take(**record, stream);
      continue;
    }
    s_.out.flush_if_large();
    check_size();
    if (stream.input().empty()) {
      auto got = co_await stream.fill(net::Deadline::in(timeout));
      if (!got || *got == 0) co_return false;
    }
    reader_.receive(stream.input());
    stream.consume(stream.input().size());
  }
  co_return true;
}

void Session::check_size() {
  size_t limit = s_.config.message_size;
  if (limit > 0 && static_cast<size_t>(s_.out.position()) > limit &&
      s_.content_at > 0 && !(s_.status & status::kSize)) {
    size_t content = static_cast<size_t>(s_.out.position() - s_.content_at);
    if (content > limit) s_.add_error(status::kSize);
  }
}

/// False: the record is one for take().
bool Session::pass_line(const queuefile::Record& record) {
  bool text = record.type == Type::Text;
  if (place_ != Place::Content || (!text && record.type != Type::Cont)) {
    return false;
  }
  if (!s_.ok() || s_.discard()) return false;
  return content_.pass(record.data, text);
}

net::Task<> Session::take(const queuefile::Record& record,
                          net::Stream& stream) {
  if (record.type == Type::Milters) {
    co_await take_milters(record.data, stream);
    co_return;
  }
  // After an error the rest is only read, so that the client gets its reply.
  if (!s_.ok() || s_.discard()) {
    if (record.type == Type::End) place_ = Place::Finished;
    co_return;
  }
  switch (place_) {
    case Place::Envelope:
      if (record.type == Type::Message) {
        co_await enter_content();
      } else if (record.type == Type::End) {
        s_.add_error(status::kBad);
        place_ = Place::Finished;
      } else {
        co_await envelope_.take(record.type, std::string(record.data), false);
      }
      break;
    case Place::Content:
      if (record.type == Type::Text || record.type == Type::Cont) {
        co_await content_.line(record.data, record.type == Type::Text);
      } else if (record.type == Type::Extracted) {
        co_await enter_extracted();
      } else if (record.type != Type::Padding) {
        log::warning(
            fmt::format("{}: message rejected: unexpected record "
                        "type {} in message content",
                        s_.out.id(), static_cast<int>(record.type)));
        s_.add_error(status::kBad);
      }
      break;
    case Place::Extracted:
      if (record.type == Type::End) {
        co_await envelope_.add_bcc();
        end_of_records();
        place_ = Place::Finished;
      } else {
        co_await envelope_.take(record.type, std::string(record.data), true);
      }
      break;
    case Place::Finished:
      break;
  }
}

net::Task<> Session::enter_content() {
  s_.encoding = s_.attribute("encoding");
  envelope_.end();
  s_.message_at = s_.out.record(Type::Message, "");
  s_.content_at = s_.out.position();
  content_.begin();
  place_ = Place::Content;
  co_return;
}

net::Task<> Session::enter_extracted() {
  co_await content_.end();
  s_.extracted_at = s_.out.record(Type::Extracted, "");
  if (s_.found_8bit && s_.encoding != "8bit") {
    s_.out.attribute("encoding", "8bit");
    s_.encoding = "8bit";
  }
  if (!s_.redirect.empty()) s_.out.record(Type::Redirect, s_.redirect);
  place_ = Place::Extracted;
}

void Session::end_of_records() {
  s_.out.record(Type::End, "");
  if (s_.ok() && s_.recipients == 0 && !s_.discard()) {
    s_.add_error(status::kRecipients);
  }
  check_size();
}

void Session::write_sizes() {
  queuefile::Sizes sizes;
  sizes.content_offset = s_.content_at;
  sizes.content_size = s_.extracted_at - s_.content_at;
  sizes.content_length = sizes.content_size;
  sizes.recipient_count = s_.recipients;
  if (s_.extracted_recipients)
    sizes.qmgr_flags |= queuefile::qmgr_flag::kReadAll;
  bool requested = s_.flags & flag::kSmtputf8;
  bool detected = (s_.flags & flag::kAutoUtf8) && s_.utf8_bits != 0;
  if (requested || detected) sizes.smtputf8 = s_.utf8_bits | 1;
  std::string record;
  queuefile::append_record(record, Type::Size, queuefile::format_sizes(sizes));
  s_.out.overwrite(s_.size_at, record);
}

net::Task<> Session::conclude() {
  if (s_.ok() && !s_.discard()) {
    if (s_.milters_used) co_await run_milters();
    write_sizes();
  }
  s_.out.flush();
  if (s_.out.failed() && s_.ok()) {
    log::warning(fmt::format("{}: write queue file: {}", s_.out.id(),
                             strerror(s_.out.error().sys)));
    s_.add_error(status::kWrite);
  }
  if (s_.ok() && s_.discard()) co_return;  // said yes, and dropped
  if (!s_.ok() && (s_.flags & flag::kBounce)) co_await bounce();
  if (s_.ok() && !s_.discard()) co_await store();
}

net::Task<> Session::store() {
  auto finished = queue::finish(s_.out.file());
  if (finished) {
    int fd = s_.out.file().fd.get();
    std::function<Result<>()> job = [fd] { return queue::sync(fd); };
    finished = co_await daemon::run_blocking(std::move(job));
  }
  if (!finished) {
    log::warning(fmt::format("{}: {}", s_.out.id(), finished.error().what));
    s_.add_error(status::kWrite);
    co_return;
  }
  kept_ = true;
  if (s_.hold()) {
    auto moved = queue::rename(s_.config.layout, s_.out.id(), queue::kIncoming,
                               queue::kHold);
    if (!moved)
      log::warning(fmt::format("{}: {}", s_.out.id(), moved.error().what));
    co_return;
  }
  shared_.wake_qmgr();
}

void Session::discard_file() {
  if (s_.out.id().empty()) return;
  (void)queue::remove(s_.config.layout, queue::kIncoming, s_.out.id());
}

/// For the client; empty: its own words for the status.
std::string Session::reason_text() const {
  return s_.status == 0 ? std::string() : s_.reason;
}

namespace {

struct Verdict {
  int bit;
  std::string_view dsn, text;
};
// In order of precedence.
constexpr Verdict kVerdicts[] = {
    {status::kDefer, "4.7.1", "service unavailable"},
    {status::kProxy, "4.3.0", "queue file write error"},
    {status::kBad, "4.3.0", "internal protocol error"},
    {status::kRecipients, "5.1.0", "no recipients specified"},
    {status::kHops, "5.4.0", "too many hops"},
    {status::kSize, "5.3.4", "message file too big"},
    {status::kContent, "5.7.1", "message content rejected"},
    {status::kWrite, "4.3.0", "queue file write error"},
    {status::kNoPermission, "5.7.1", "service denied"}};

}  // namespace

/// The client cannot be told (pickup): the sender is. What may be mended by
/// trying again is left to the client.
net::Task<> Session::bounce() {
  constexpr int kPermanent =
      status::kHops | status::kSize | status::kContent | status::kRecipients;
  if (!(s_.status & kPermanent) || (s_.status & ~kPermanent)) co_return;
  if (!s_.sender) co_return;
  const Verdict* verdict = nullptr;
  for (const auto& v : kVerdicts) {
    if (!verdict && (s_.status & v.bit)) verdict = &v;
  }
  ipc::BounceAppend append;
  append.queue_id = s_.out.id();
  append.dsn.status = verdict->dsn;
  append.dsn.reason =
      s_.reason.empty() ? std::string(verdict->text) : s_.reason;
  append.dsn.action = "failed";
  append.recipient.recipient =
      s_.last_recipient.empty() ? "unknown" : s_.last_recipient;
  append.recipient.original_recipient = append.recipient.recipient;
  auto appended = co_await shared_.bounce->ask<ipc::Status>(append);
  if (!appended || appended->status != 0) co_return;
  ipc::BounceSend send;
  send.flags = ipc::bounce_flag::kClean;
  send.queue_name = queue::kIncoming;
  send.queue_id = s_.out.id();
  send.encoding = s_.encoding;
  send.sender = *s_.sender;
  auto sent = co_await shared_.bounce->ask<ipc::Status>(send);
  if (!sent || sent->status != 0) co_return;
  s_.status = 0;
  s_.flags |= flag::kDiscard;  // it has been returned: nothing to keep
}

net::Task<> Session::take_milters(std::string_view count, net::Stream& stream) {
  auto number = parse_number<size_t>(count);
  if (!number) {
    s_.add_error(status::kBad);
    co_return;
  }
  s_.milters_used = true;  // announced: room is left for their edits
  if (*number == 0) co_return;
  auto resumed = co_await receive_milters(
      stream, reader_, *number,
      net::Deadline::in(s_.config.settings->get(param::ipc_timeout)));
  if (!resumed) {
    log::warning(fmt::format("{}: {}", s_.out.id(), resumed.error().what));
    s_.add_error(status::kBad);
    co_return;
  }
  s_.milters = std::move(*resumed);
}

net::Task<> Session::run_milters() {
  MilterRun run(s_, envelope_, content_.headers());
  co_await run.run();
}

}  // namespace mail::cleanup
