#include "common/ipc/conversation.h"

#include <fmt/format.h>

#include <cerrno>

#include "common/net/listener.h"

namespace mail::ipc {

net::Task<Result<std::string>> receive_raw(net::Stream& stream,
                                           std::string_view peer,
                                           net::Deadline deadline, Form form) {
  std::string who(peer);
  while (true) {
    size_t size = message_size(stream.input(), form);
    if (size > 0) {
      std::string message(stream.input().substr(0, size));
      stream.consume(size);
      co_return message;
    }
    if (stream.input().size() > kMessageLimit) {
      co_return fail(Fault::Protocol, "message too large from " + who);
    }
    auto got = co_await stream.fill(deadline);
    if (!got) {
      co_return fail(Error{
          Fault::Temporary,
          fmt::format(
              "{} while reading input attribute from "
              "{}",
              got.error().sys == ETIMEDOUT ? "timeout" : got.error().what, who),
          got.error().sys});
    }
    if (*got == 0) {
      co_return fail(Error{Fault::Temporary, "premature end-of-input on " + who,
                           ECONNRESET});
    }
  }
}

void greet(net::Stream& stream, std::string_view protocol, Form form) {
  append(stream, Greeting{std::string(protocol)}, form);
}

net::Task<Result<>> expect_greeting(net::Stream& stream, std::string protocol,
                                    std::string peer, net::Deadline deadline,
                                    Form form) {
  auto greeting = co_await receive<Greeting>(stream, peer, deadline, form);
  CO_CHECK(greeting);
  if (greeting->protocol != protocol) {
    co_return fail(Fault::Protocol,
                   fmt::format("unexpected protocol {} from {} (expecting: {})",
                               greeting->protocol, peer, protocol));
  }
  co_return Result<>{};
}

net::Task<Result<net::Stream>> Client::connect() {
  net::Deadline deadline = net::Deadline::in(options_.timeout);
  auto fd = co_await net::connect_unix(options_.path, deadline);
  net::Stream stream(CO_TRY(fd));
  if (!options_.protocol.empty()) {
    auto greeted = co_await expect_greeting(stream, options_.protocol, peer(),
                                            deadline, options_.form);
    CO_CHECK(greeted);
  }
  co_return stream;
}

std::optional<net::Stream> Client::take_kept() {
  Instant oldest = Clock::now() - options_.idle;
  std::erase_if(idle_, [&](const Kept& kept) { return kept.since < oldest; });
  if (idle_.empty()) return std::nullopt;
  net::Stream stream = std::move(idle_.back().stream);
  idle_.pop_back();
  return stream;
}

net::Task<Result<std::string>> Client::exchange(net::Stream& stream,
                                                std::string_view request) {
  net::Deadline deadline = net::Deadline::in(options_.timeout);
  auto sent = co_await stream.send(request, deadline);
  CO_CHECK(sent);
  auto reply = co_await receive_raw(stream, peer(), deadline, options_.form);
  co_return reply;
}

net::Task<Result<std::string>> Client::ask_raw(std::string request) {
  auto kept = take_kept();
  bool was_kept = kept.has_value();
  while (true) {
    net::Stream stream;
    if (kept) {
      stream = std::move(*kept);
      kept.reset();
    } else {
      auto fresh = co_await connect();
      stream = CO_TRY(fresh);
    }
    auto reply = co_await exchange(stream, request);
    if (reply) {
      if (idle_.size() < options_.kept) {
        idle_.push_back({std::move(stream), Clock::now()});
      }
      co_return reply;
    }
    bool gone = reply.error().sys == ECONNRESET || reply.error().sys == EPIPE;
    if (!was_kept || !gone) co_return reply;
    was_kept = false;
    idle_.clear();
  }
}

}  // namespace mail::ipc
