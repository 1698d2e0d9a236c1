#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/ipc/attributes.h"
#include "common/net/stream.h"

namespace mail::ipc {

/// One message at the most may be this large.
inline constexpr size_t kMessageLimit = 1 << 20;

/// Waits for one whole message and takes it out of the stream's input.
/// peer: for error texts, "private/rewrite socket".
/// Errors: Temporary "premature disconnect ..." (sys ECONNRESET) and of the
/// stream; Protocol.
net::Task<Result<std::string>> receive_raw(net::Stream& stream,
                                           std::string_view peer,
                                           net::Deadline deadline,
                                           Form form = Form::Nul);

template <class M>
net::Task<Result<M>> receive(net::Stream& stream, std::string_view peer,
                             net::Deadline deadline, Form form = Form::Nul) {
  auto raw = co_await receive_raw(stream, peer, deadline, form);
  CO_CHECK(raw);
  co_return decode<M>(*raw, peer, form);
}

/// Appends to the stream's output; flush() sends it.
template <class M>
void append(net::Stream& stream, const M& message, Form form = Form::Nul) {
  encode(message, stream.output(), form);
}

/// What a server says first: protocol\0NAME\0\0.
struct Greeting {
  std::string protocol;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    return io("protocol", m.protocol);
  }
};

/// Server side: appends the greeting (it goes out with the next flush()).
void greet(net::Stream& stream, std::string_view protocol,
           Form form = Form::Nul);
/// Client side. Errors: Protocol when another service answers.
net::Task<Result<>> expect_greeting(net::Stream& stream, std::string protocol,
                                    std::string peer, net::Deadline deadline,
                                    Form form = Form::Nul);

/// A pool of connections to one service, shared by all tasks of a process.
/// An idle connection that the server has closed is replaced without a word.
class Client {
 public:
  struct Options {
    std::string path;      ///< "private/rewrite", relative to the queue
    std::string protocol;  ///< what it greets with; empty: it does not greet
    Form form = Form::Nul;
    Duration idle = std::chrono::seconds(5);        ///< ipc_idle
    Duration timeout = std::chrono::seconds(3600);  ///< ipc_timeout
    size_t kept = 8;  ///< idle connections kept at the most
  };
  explicit Client(Options options) : options_(std::move(options)) {}

  const Options& options() const { return options_; }

  /// Sends one request and takes one reply. On a connection that was kept it
  /// is tried once more on a new one when the server closed it.
  template <class Reply, class Request>
  net::Task<Result<Reply>> ask(const Request& request) {
    std::string bytes;
    encode(request, bytes, options_.form);
    auto raw = co_await ask_raw(std::move(bytes));
    CO_CHECK(raw);
    co_return decode<Reply>(*raw, peer(), options_.form);
  }
  /// A connection that has been greeted, for conversations of their own kind
  /// (fresh: not one that was kept).
  net::Task<Result<net::Stream>> connect();
  /// Closes the kept connections (the server said that it will restart).
  void forget() { idle_.clear(); }
  std::string peer() const { return options_.path + " socket"; }

 private:
  struct Kept {
    net::Stream stream;
    Instant since;
  };
  net::Task<Result<std::string>> ask_raw(std::string request);
  net::Task<Result<std::string>> exchange(net::Stream& stream,
                                          std::string_view request);
  std::optional<net::Stream> take_kept();

  Options options_;
  std::vector<Kept> idle_;
};

}  // namespace mail::ipc
