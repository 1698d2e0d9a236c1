#include "common/filters/filter.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "common/base/ascii.h"
#include "common/log/log.h"

namespace mail::filters {

using milter::Event;
using milter::Reply;
using Kind = Verdict::Kind;

namespace {

constexpr char kRejected[] = "550 5.7.1 Command rejected";
constexpr char kTryLater[] = "451 4.7.1 Service unavailable - try again later";
constexpr char kBadConfig[] =
    "451 4.3.5 Server configuration problem - try again later";
constexpr char kShutdown[] = "421 4.7.0 Server closing connection";

}  // namespace

Filter::Filter(Config config, milter::MacroLists macros, Connector connector)
    : config_(std::move(config)),
      macros_(std::move(macros)),
      connector_(std::move(connector)) {}

Filter::Filter(Suspended suspended)
    : config_(std::move(suspended.config)),
      macros_(std::move(suspended.macros)),
      agreement_(suspended.agreement),
      standing_(std::move(suspended.standing)) {
  if (!suspended.fd) {
    state_ = State::Done;
    return;
  }
  stream_ = net::Stream(std::move(suspended.fd));
  state_ = suspended.accepted_message ? State::AcceptedMessage : State::Active;
}

Filter::Suspended Filter::suspend() {
  Suspended out;
  out.config = config_;
  out.agreement = agreement_;
  out.macros = macros_;
  out.accepted_message = state_ == State::AcceptedMessage;
  out.standing = standing_;
  if (stream_) out.fd = stream_.release();
  state_ = State::Done;
  return out;
}

bool Filter::wants_rejected_recipients() const {
  return state_ == State::Active && agreement_.rejected_recipients();
}

Duration Filter::timeout_of(Event event) const {
  switch (event) {
    case Event::Header:
    case Event::EndOfHeader:
    case Event::Body:
    case Event::EndOfMessage:
      return config_.content_timeout;
    default:
      return config_.command_timeout;
  }
}

Verdict Filter::default_verdict(bool config_error) const {
  const std::string& action = config_.default_action;
  if (action == "accept") return {};
  if (action == "quarantine") return {Kind::Hold, {}};
  if (config_error) return {Kind::Reject, kBadConfig};
  if (action == "reject")
    return {Kind::Reject, "550 5.5.0 Service unavailable"};
  if (action == "tempfail") return {Kind::Reject, kTryLater};
  log::warning(fmt::format("milter {}: unrecognized default action: {}",
                           config_.name, action));
  return {Kind::Reject, kBadConfig};
}

// The filter is not spoken to again in this session; what its failure means
// holds for the rest of it.
Filter::Step Filter::failed(const Error& error, Event event) {
  bool config_error = error.fault == Fault::Config;
  if (error.fault == Fault::Temporary) {
    const char* why = error.sys == ETIMEDOUT    ? "Connection timed out"
                      : error.sys == ECONNRESET ? "Connection reset by peer"
                                                : nullptr;
    log::warning(fmt::format("milter {}: can't read {} reply packet header: {}",
                             config_.name, milter::event_name(event),
                             why ? why : error.what.c_str()));
  } else {
    log::warning(fmt::format("milter {}: {}", config_.name, error.what));
  }
  stream_.close();
  state_ = State::Done;
  standing_ = default_verdict(config_error);
  return {false, standing_, true};
}

net::Task<Result<>> Filter::negotiate() {
  auto offer = CO_TRY(milter::parse_offer(config_.protocol));
  milter::append_offer(stream_.output(), offer);
  auto deadline = net::Deadline::in(config_.command_timeout);
  auto sent = co_await stream_.flush(deadline);
  if (!sent) {
    co_return fail(Fault::Protocol, "write error in initial handshake");
  }
  while (true) {
    std::string_view input = stream_.input();
    auto packet = CO_TRY(milter::take_packet(input));
    if (packet) {
      stream_.consume(stream_.input().size() - input.size());
      agreement_ = CO_TRY(milter::agree(offer, *packet, macros_));
      co_return Result<>{};
    }
    auto got = co_await stream_.fill(deadline);
    if (!got || *got == 0) {
      co_return fail(Fault::Protocol, "read error in initial handshake");
    }
  }
}

net::Task<Verdict> Filter::connect(std::string_view data,
                                   const MacroSource& macros) {
  std::string owned(data);
  auto deadline = net::Deadline::in(config_.connect_timeout);
  auto task = connector_(config_.name, deadline);
  auto fd = co_await task;
  if (!fd) {
    const Error& error = fd.error();
    log::warning(error.fault == Fault::Config
                     ? error.what
                     : fmt::format("connect to Milter service {}: {}",
                                   config_.name,
                                   error.sys ? strerror(error.sys)
                                             : error.what.c_str()));
    state_ = State::Done;
    standing_ = default_verdict(error.fault == Fault::Config);
    co_return standing_;
  }
  stream_ = net::Stream(std::move(*fd));
  state_ = State::Active;
  auto agreed = co_await negotiate();
  if (!agreed) co_return failed(agreed.error(), Event::Connect).verdict;
  auto verdict = co_await event(Event::Connect, owned, macros);
  co_return verdict;
}

void Filter::queue_event(Event event, std::string_view data,
                         const MacroSource& macros) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto& name :
       macros_[static_cast<size_t>(milter::stage_of(event))]) {
    if (auto value = macros(name)) values.emplace_back(name, *value);
  }
  milter::append_macros(stream_.output(), event, values);
  if (agreement_.wants(event)) {
    milter::append_packet(stream_.output(), static_cast<char>(event), data);
  }
}

net::Task<Result<Reply>> Filter::next_reply(Event event, Duration timeout) {
  auto deadline = net::Deadline::in(timeout);
  while (true) {
    std::string_view input = stream_.input();
    auto packet = CO_TRY(milter::take_packet(input));
    if (!packet) {
      auto got = co_await stream_.fill(deadline);
      CO_CHECK(got);
      if (*got == 0) {
        co_return fail(Error{Fault::Temporary, "Success", 0});
      }
      continue;
    }
    stream_.consume(stream_.input().size() - input.size());
    auto reply = milter::parse_reply(*packet, event);
    if (reply && reply->kind == Reply::Kind::Progress) {
      deadline = net::Deadline::in(timeout);
      continue;
    }
    co_return reply;
  }
}

Filter::Step Filter::decide(Event event, const Reply& reply) {
  auto refuse = [&](std::string text) -> Step {
    Verdict verdict{Kind::Reject, std::move(text)};
    if (connection_event(event)) {
      stream_.close();
      state_ = State::Done;
      standing_ = verdict;
    }
    return {false, verdict, true};
  };
  switch (reply.kind) {
    case Reply::Kind::Continue:
    case Reply::Kind::Progress:
    case Reply::Kind::Edit:
      return {};
    case Reply::Kind::Skip:
      return {true, {}, false};
    case Reply::Kind::Accept:
      if (connection_event(event)) {
        stream_.close();
        state_ = State::Done;
      } else {
        state_ = State::AcceptedMessage;
      }
      return {false, {}, true};
    case Reply::Kind::Discard:
      if (connection_event(event)) {
        log::warning(
            fmt::format("milter {}: DISCARD action is not allowed "
                        "for connect or helo",
                        config_.name));
        return {};
      }
      return {false, {Kind::Discard, {}}, true};
    case Reply::Kind::Reject:
      return refuse(kRejected);
    case Reply::Kind::Tempfail:
      return refuse(kTryLater);
    case Reply::Kind::Text:
      return refuse(reply.text);
    case Reply::Kind::Shutdown:
      stream_.close();
      state_ = State::Done;
      standing_ = {Kind::Shutdown, kShutdown};
      return {false, standing_, true};
  }
  return {};
}

net::Task<Filter::Step> Filter::exchange(Event event, std::string_view data,
                                         const MacroSource& macros,
                                         Message* message) {
  if (!agreement_.knows(event)) co_return Step{};
  queue_event(event, data, macros);
  bool waits = agreement_.wants(event) && agreement_.answers(event);
  // What needs no answer goes with the next that does, in one write.
  if (!waits && stream_.output().size() < net::Stream::kReadSize) {
    co_return Step{};
  }
  Duration timeout = timeout_of(event);
  auto sent = co_await stream_.flush(net::Deadline::in(timeout));
  if (!sent) co_return failed(sent.error(), event);
  if (!waits) co_return Step{};
  bool hold = false;
  while (true) {
    auto reply = co_await next_reply(event, timeout);
    if (!reply) co_return failed(reply.error(), event);
    if (reply->kind != Reply::Kind::Edit) {
      Step step = decide(event, *reply);
      if (hold && step.verdict.goes_on()) step.verdict.kind = Kind::Hold;
      co_return step;
    }
    if (reply->edit.kind == milter::Edit::Kind::Quarantine) {
      hold = true;
      continue;
    }
    auto applied = message->apply(reply->edit);
    if (applied) continue;
    if (applied.error().fault == Fault::Config) {
      co_return failed(applied.error(), event);
    }
    co_return Step{false, {Kind::Reject, applied.error().what}, true};
  }
}

net::Task<Verdict> Filter::event(Event event, std::string_view data,
                                 const MacroSource& macros) {
  std::string owned(data);
  if (!standing_.goes_on()) co_return standing_;
  if (event == Event::Mail && state_ == State::AcceptedMessage) {
    state_ = State::Active;  // a new message
  }
  if (state_ != State::Active) co_return Verdict{};
  if (skipping_ == event) co_return Verdict{};
  skipping_.reset();
  auto step = co_await exchange(event, owned, macros, nullptr);
  if (step.skip) skipping_ = event;
  co_return step.verdict;
}

net::Task<Filter::Step> Filter::send_headers(Message& message,
                                             const MacroSource& macros) {
  if (!agreement_.wants(Event::Header)) co_return Step{};
  while (true) {
    auto header = message.next_header();
    if (!header) co_return failed(header.error(), Event::Header);
    if (!*header) co_return Step{};
    std::string_view value = (*header)->value;
    if (!agreement_.leading_space() && value.starts_with(' ')) {
      value.remove_prefix(1);
    }
    std::string data;
    milter::append_text(data, (*header)->name);
    milter::append_text(data, value);
    auto step = co_await exchange(Event::Header, data, macros, nullptr);
    if (step.skip) co_return Step{};
    if (step.over) co_return step;
  }
}

net::Task<Filter::Step> Filter::send_body(Message& message,
                                          const MacroSource& macros) {
  while (true) {
    auto chunk = message.next_body(milter::kChunkSize);
    if (!chunk) co_return failed(chunk.error(), Event::Body);
    if (chunk->empty()) co_return Step{};
    auto step = co_await exchange(Event::Body, *chunk, macros, nullptr);
    if (step.skip) co_return Step{};
    if (step.over) co_return step;
  }
}

net::Task<Verdict> Filter::message(Message& message,
                                   const MacroSource& macros) {
  if (!standing_.goes_on()) co_return standing_;
  if (state_ != State::Active) co_return Verdict{};
  if (auto rewound = message.rewind(); !rewound) {
    co_return failed(rewound.error(), Event::Header).verdict;
  }
  auto headers = co_await send_headers(message, macros);
  if (headers.over) co_return headers.verdict;
  auto end = co_await exchange(Event::EndOfHeader, "", macros, nullptr);
  if (end.over) co_return end.verdict;
  if (agreement_.wants(Event::Body)) {
    auto body = co_await send_body(message, macros);
    if (body.over) co_return body.verdict;
  }
  auto last = co_await exchange(Event::EndOfMessage, "", macros, &message);
  co_return last.verdict;
}

net::Task<> Filter::send_pending() {
  if (!stream_ || stream_.output().empty()) co_return;
  auto sent =
      co_await stream_.flush(net::Deadline::in(config_.command_timeout));
  (void)sent;
}

net::Task<> Filter::abort() {
  if (!stream_) co_return;
  if (state_ == State::AcceptedMessage) state_ = State::Active;
  skipping_.reset();
  milter::append_packet(stream_.output(), 'A', "");
  auto sent =
      co_await stream_.flush(net::Deadline::in(config_.command_timeout));
  if (!sent) stream_.close();
}

net::Task<> Filter::quit() {
  if (!stream_) co_return;
  milter::append_packet(stream_.output(), 'Q', "");
  auto sent =
      co_await stream_.flush(net::Deadline::in(config_.command_timeout));
  (void)sent;
  stream_.close();
  state_ = State::Done;
}

}  // namespace mail::filters
