#include "common/net/stream.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <string>

#include "common/net/listener.h"
#include "common/net/task_set.h"

using namespace mail;
using namespace std::chrono_literals;
using net::Deadline;
using net::Stream;
using net::Task;

namespace {

std::pair<Stream, Stream> stream_pair() {
  int fds[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  return {Stream(UniqueFd(fds[0])), Stream(UniqueFd(fds[1]))};
}

Task<> echo(Stream* stream) {
  while (true) {
    auto got = co_await stream->fill(Deadline::in(10s));
    if (!got || *got == 0) break;
    stream->write(stream->input());
    stream->consume(stream->input().size());
    auto sent = co_await stream->flush(Deadline::in(10s));
    if (!sent) break;
  }
  stream->close();
}

Task<Result<>> send_all(Stream* stream, const std::string* bytes) {
  auto sent = co_await stream->send(*bytes, Deadline::in(10s));
  co_return sent;
}
Task<> send_quietly(Stream* stream, const std::string* bytes) {
  auto sent = co_await send_all(stream, bytes);
  CHECK(sent);
}

Task<std::string> read_bytes(Stream* stream, size_t size) {
  while (stream->input().size() < size) {
    auto got = co_await stream->fill(Deadline::in(10s));
    if (!got || *got == 0) break;
  }
  co_return std::string(stream->input());
}

Task<Result<size_t>> fill_for(Stream* stream, Duration span) {
  auto got = co_await stream->fill(Deadline::in(span));
  co_return got;
}

Task<bool> connect_and_accept(net::Endpoint where) {
  auto listening = net::Listener::bind(where);
  REQUIRE(listening);
  where.port = net::Endpoint::local_of(listening->get()).port;
  net::Listener listener(std::move(*listening));
  auto client = co_await net::connect_to(where, Deadline::in(5s));
  REQUIRE(client);
  auto server = co_await listener.accept();
  REQUIRE(server);
  co_return net::Endpoint::peer_of(client->get()).port == where.port;
}

Task<int> pass_descriptor(Stream* a, Stream* b) {
  UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  auto sent = co_await a->send_fd(null.get(), Deadline::in(5s));
  REQUIRE(sent);
  auto got = co_await b->receive_fd(Deadline::in(5s));
  REQUIRE(got);
  co_return fcntl(got->get(), F_GETFD);
}

// Each byte with its top bit turned, as a stand-in for encryption.
class Turned : public net::Filter {
 public:
  Result<> decode(std::string_view in, std::string& plain,
                  std::string&) override {
    for (char c : in) plain += static_cast<char>(c ^ 0x80);
    return {};
  }
  Result<> encode(std::string_view in, std::string& wire) override {
    for (char c : in) wire += static_cast<char>(c ^ 0x80);
    return {};
  }
  bool at_end() const override { return false; }
  void close(std::string&) override {}
};

}  // namespace

TEST_CASE("three megabytes go there and back through full buffers", "[net]") {
  net::Loop loop;
  auto [a, b] = stream_pair();
  std::string sent;
  for (int i = 0; i < 3000000; ++i) sent += static_cast<char>(i * 7 + i / 999);
  net::TaskSet set;
  set.start(echo(&b));
  set.start(send_quietly(&a, &sent));
  CHECK((loop.run(read_bytes(&a, sent.size())) == sent));
  a.close();
  loop.run(set.drained());
}

TEST_CASE("a filter sees all bytes both ways", "[net]") {
  net::Loop loop;
  auto [a, b] = stream_pair();
  a.set_filter(std::make_unique<Turned>());
  std::string text = "hello";
  REQUIRE(loop.run(send_all(&a, &text)));
  CHECK(loop.run(read_bytes(&b, 5)) == "\xE8\xE5\xEC\xEC\xEF");
  b.set_filter(std::make_unique<Turned>());
  REQUIRE(loop.run(send_all(&b, &text)));
  CHECK(loop.run(read_bytes(&a, 5)) == "hello");
}

TEST_CASE("a silent peer is given up at the deadline, not before", "[net]") {
  net::Loop loop;
  auto [a, b] = stream_pair();
  Instant start = Clock::now();
  auto got = loop.run(fill_for(&a, 20ms));
  REQUIRE_FALSE(got);
  CHECK(got.error().sys == ETIMEDOUT);
  CHECK(Clock::now() - start >= 20ms);
}

TEST_CASE("a shorter deadline after a longer one is kept", "[net]") {
  net::Loop loop;
  auto [a, b] = stream_pair();
  std::string text = "x";
  REQUIRE(loop.run(send_all(&b, &text)));
  CHECK(loop.run(fill_for(&a, 1h)));
  CHECK_FALSE(loop.run(fill_for(&a, 5ms)));
  CHECK_FALSE(loop.run(fill_for(&a, 10ms)));
}

TEST_CASE("end of file is 0, a broken pipe an error", "[net]") {
  net::Loop loop;
  auto [a, b] = stream_pair();
  b.close();
  CHECK(*loop.run(fill_for(&a, 5s)) == 0);
  std::string text = "x";
  auto sent = loop.run(send_all(&a, &text));
  REQUIRE_FALSE(sent);
  CHECK(sent.error().sys == EPIPE);
}

TEST_CASE("connections over IPv4 and a refused one", "[net]") {
  net::Loop loop;
  net::Endpoint where{*net::IpAddress::parse("127.0.0.1"), 0, {}};
  CHECK(loop.run(connect_and_accept(where)));
  where.port = 1;
  auto refused = loop.run(net::connect_to(where, Deadline::in(5s)));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what == "connect to 127.0.0.1:1: Connection refused");
}

TEST_CASE("descriptors pass over Unix sockets, closed on exec", "[net]") {
  net::Loop loop;
  auto [a, b] = stream_pair();
  CHECK(loop.run(pass_descriptor(&a, &b)) == FD_CLOEXEC);
}
