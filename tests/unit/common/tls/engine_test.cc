#include "common/tls/engine.h"

#include <sys/socket.h>

#include "common/net/stream.h"
#include "common/net/task_set.h"
#include "tests/unit/common/tls/pair.h"

using namespace mail;
using namespace mail::tls;
using namespace std::chrono_literals;

TEST_CASE("client and server agree, whole or byte by byte", "[tls]") {
  size_t step = GENERATE(std::string::npos, 1u, 3u, 1000u);
  const char* protocols = GENERATE("TLSv1.3", "TLSv1.2", "TLSv1");
  World w;
  ClientPolicy policy;
  policy.protocols = protocols;
  Pair pair = w.connect(policy);
  pair.run(step);
  REQUIRE(pair.done());
  CHECK(pair.client->summary().protocol == protocols);
  CHECK(pair.server->summary().cipher == pair.client->summary().cipher);
  std::string text(100000, 'x');
  REQUIRE(pair.client->encode(text, pair.to_server));
  REQUIRE(pair.server->encode("answer", pair.to_client));
  pair.run(step == 1 ? 997 : step);
  CHECK(pair.server_plain == text);
  CHECK(pair.client_plain == "answer");
  CHECK_FALSE(pair.server->at_end());
  pair.client->close(pair.to_server);
  pair.run();
  CHECK(pair.server->at_end());
  CHECK(pair.server_result);
}

TEST_CASE("TLS 1.3 is described to the last detail", "[tls]") {
  test::CertificateOptions options;
  options.rsa = GENERATE(false, true);
  World w(options);
  w.client_options.eecdh_curves = "prime256v1";
  Pair pair = w.connect();
  pair.run();
  REQUIRE(pair.done());
  std::string expected =
      "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) "
      "key-exchange ECDHE (prime256v1) server-signature ";
  expected += options.rsa ? "RSA-PSS (2048 bits)" : "ECDSA (prime256v1)";
  expected += " server-digest SHA256";
  CHECK(cipher_text(pair.client->summary()) == expected);
  CHECK(cipher_text(pair.server->summary()) == expected);
}

TEST_CASE("without a common protocol both ends say so", "[tls]") {
  World w;
  w.server_options.protocols = ">=TLSv1.3";
  ClientPolicy policy;
  policy.protocols = "!TLSv1.3";
  Pair pair = w.connect(policy);
  pair.run();
  REQUIRE_FALSE(pair.server_result);
  CHECK(pair.server_result.error().what == "-1");
  REQUIRE_FALSE(pair.client_result);
  auto problems = pair.client->library_problems();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].starts_with(
      "TLS library problem: error:0A00042E:SSL routines::tlsv1 alert protocol "
      "version:"));
  CHECK(problems[0].ends_with(":SSL alert number 70:"));
  CHECK(pair.client->library_problems().empty());
  CHECK_FALSE(pair.server->encode("x", pair.to_client));
}

TEST_CASE("nonsense ends the handshake, never the process", "[tls]") {
  World w;
  Pair pair = w.connect();
  std::string plain, wire;
  auto result = pair.server->decode("EHLO example.org\r\n", plain, wire);
  CHECK_FALSE(result);
  CHECK_FALSE(pair.server->decode("more", plain, wire));
  CHECK(plain.empty());
}

TEST_CASE("a handshake cut anywhere just waits", "[tls]") {
  World w;
  Pair first = w.connect();
  std::string hello;
  REQUIRE(first.client->decode({}, first.client_plain, hello));
  for (size_t size = 0; size < hello.size(); ++size) {
    Pair pair = w.connect();
    std::string wire;
    REQUIRE(
        pair.server->decode(hello.substr(0, size), pair.server_plain, wire));
    CHECK(wire.empty());
    REQUIRE(pair.server->decode(hello.substr(size), pair.server_plain, wire));
    CHECK_FALSE(wire.empty());
  }
}

TEST_CASE("a changed byte of a record is noticed", "[tls]") {
  World w;
  Pair pair = w.connect();
  pair.run();
  std::string wire;
  REQUIRE(pair.client->encode("MAIL FROM:<>", wire));
  wire.back() = static_cast<char>(wire.back() ^ 1);
  std::string answer;
  CHECK_FALSE(pair.server->decode(wire, pair.server_plain, answer));
  CHECK(pair.server_plain.empty());
}

TEST_CASE("a session is resumed with a ticket, in another process too",
          "[tls]") {
  const char* protocols = GENERATE("TLSv1.3", "TLSv1.2");
  World w;
  w.client_options.ca_file.clear();
  ClientPolicy policy;
  policy.protocols = protocols;
  policy.exclude_ciphers = "aNULL";  // which TLS 1.2 would prefer
  Pair first = w.connect(policy);
  first.run();
  auto session = first.client->take_session();
  REQUIRE(session);
  CHECK_FALSE(first.client->summary().reused);
  Pair second = w.connect(policy, *session);
  second.run();
  REQUIRE(second.done());
  CHECK(second.client->summary().reused);
  CHECK(second.server->summary().reused);
  CHECK(second.client->summary().trust == Trust::Untrusted);

  // A sibling knows our tickets only if it has the key.
  auto sibling = ServerContext::open(w.server_options);
  REQUIRE(sibling);
  TicketKey key = w.server->ticket_keys().current(WallClock::now());
  w.server = std::move(*sibling);
  Pair stranger = w.connect(policy, *session);
  stranger.run();
  REQUIRE(stranger.done());
  CHECK_FALSE(stranger.client->summary().reused);
  w.server->ticket_keys().install(key);
  Pair known = w.connect(policy, *session);
  known.run();
  REQUIRE(known.done());
  CHECK(known.client->summary().reused);
  Pair spoilt = w.connect(policy, "not a session");
  spoilt.run();
  CHECK(spoilt.done());
}

namespace {

// The 2048-bit group of RFC 7919, by its name.
constexpr const char* kDhParameters =
    "-----BEGIN DH PARAMETERS-----\n"
    "MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz\n"
    "+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a\n"
    "87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7\n"
    "YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi\n"
    "7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD\n"
    "ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==\n"
    "-----END DH PARAMETERS-----\n";

/// Has a server take nothing but DHE with RSA.
void offer_dh(World& w, const std::string& parameters) {
  w.server_options.protocols = "<=TLSv1.2";
  w.server_options.cipher_lists.medium = "DHE-RSA-AES128-GCM-SHA256";
  w.server_options.dh_pem = parameters;
}

}  // namespace

TEST_CASE("DH parameters come as text; without any there is no DH", "[tls]") {
  World with({.rsa = true}), without({.rsa = true}), broken({.rsa = true});
  offer_dh(with, kDhParameters);
  Pair pair = with.connect();
  pair.run();
  REQUIRE(pair.done());
  CHECK(pair.client->summary().cipher == "DHE-RSA-AES128-GCM-SHA256");
  offer_dh(without, "");
  Pair none = without.connect();
  none.run();
  CHECK_FALSE(none.done());
  offer_dh(broken, "nonsense");
  auto opened = ServerContext::open(broken.server_options);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().what == "ssl_dh: no DH parameters in it");
}

TEST_CASE("without a certificate ciphers are anonymous", "[tls]") {
  World w;
  w.server_options.certificates.pairs = {{"none", ""}};
  Pair pair = w.connect();
  CHECK(w.server->available());
  pair.run();
  REQUIRE(pair.done());
  CHECK(pair.client->summary().trust == Trust::Anonymous);
  CHECK(pair.client->summary().protocol == "TLSv1.2");
  ClientPolicy policy;
  policy.level = Level::Verify;
  policy.match = {"hostname"};
  Pair strict = w.connect(policy);
  strict.run();
  CHECK_FALSE(strict.done());
}

namespace {

net::Task<> serve(net::Stream* stream, ServerContext* context,
                  std::string* got) {
  auto engine = context->new_engine();
  REQUIRE(engine);
  auto done = co_await stream->handshake(std::move(*engine), Engine::finished,
                                         net::Deadline::in(10s));
  REQUIRE(done);
  while (true) {
    // The first bytes may have come together with the handshake's last.
    *got += stream->input();
    stream->write(stream->input());
    stream->consume(stream->input().size());
    auto sent = co_await stream->flush(net::Deadline::in(10s));
    REQUIRE(sent);
    auto n = co_await stream->fill(net::Deadline::in(10s));
    if (!n || *n == 0) break;
  }
  stream->close();
}

net::Task<std::string> ask(net::Stream* stream, ClientContext* context) {
  auto engine = context->new_engine({}, {"mail.example.org", ""}, "");
  REQUIRE(engine);
  auto done = co_await stream->handshake(std::move(*engine), Engine::finished,
                                         net::Deadline::in(10s));
  REQUIRE(done);
  stream->write("hello");
  auto sent = co_await stream->flush(net::Deadline::in(10s));
  REQUIRE(sent);
  auto got = co_await stream->fill(net::Deadline::in(10s));
  REQUIRE(got);
  std::string answer(stream->input());
  stream->say_goodbye();
  auto end = co_await stream->fill(net::Deadline::in(10s));
  CHECK((!end || *end == 0));
  co_return answer;
}

net::Task<int> both(net::Stream* a, net::Stream* b, World* w, std::string* got,
                    std::string* answer) {
  net::TaskSet tasks;
  tasks.start(serve(a, w->server.get(), got));
  *answer = co_await ask(b, w->client.get());
  co_await tasks.drained();
  co_return 0;
}

}  // namespace

TEST_CASE("a stream speaks TLS through the engine", "[tls]") {
  net::Loop loop;
  World w;
  w.open();
  int fds[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  net::Stream a((UniqueFd(fds[0]))), b((UniqueFd(fds[1])));
  std::string got, answer;
  loop.run(both(&a, &b, &w, &got, &answer));
  CHECK(got == "hello");
  CHECK(answer == "hello");
}
