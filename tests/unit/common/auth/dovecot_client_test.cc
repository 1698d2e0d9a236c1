#include "common/auth/dovecot_client.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/net/listener.h"
#include "common/net/within.h"

using namespace mail;
using namespace std::chrono_literals;
using net::Task;

namespace {

struct FakeAuth {
  std::string path = "/tmp/auth_test." + std::to_string(getpid());
  std::vector<std::string> heard;
  net::TaskSet tasks;
  std::unique_ptr<net::Listener> listener;
  int connections = 0;

  ~FakeAuth() { unlink(path.c_str()); }
  void open() {
    net::Endpoint where;
    where.path = path;
    listener = std::make_unique<net::Listener>(*net::Listener::bind(where));
    tasks.start(accept(this));
  }
  static Task<> accept(FakeAuth* self) {
    while (true) {
      auto fd = co_await self->listener->accept();
      if (!fd) co_return;
      ++self->connections;
      self->tasks.start(serve(self, net::Stream(std::move(*fd))));
    }
  }
  static Task<> serve(FakeAuth* self, net::Stream stream) {
    stream.write(
        "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\t"
        "plaintext\nMECH\tSECRET\tprivate\nSPID\t1\nDONE\n");
    while (true) {
      auto sent = co_await stream.flush(net::Deadline::in(5s));
      if (!sent) co_return;
      size_t end = stream.input().find('\n');
      if (end == std::string_view::npos) {
        auto got = co_await stream.fill(net::Deadline::in(5s));
        if (!got || *got == 0) co_return;
        continue;
      }
      std::string line(stream.input().substr(0, end));
      stream.consume(end + 1);
      self->heard.push_back(line);
      if (line.starts_with("AUTH\t1\tPLAIN")) stream.write("OK\t1\tuser=u\n");
      if (line.starts_with("AUTH\t2\t")) stream.write("CONT\t2\tVXNlcjo=\n");
      if (line.starts_with("CONT\t2\t")) {
        stream.write("FAIL\t9\nFAIL\t2\tuser=v\treason=no\n");
      }
      if (line.starts_with("AUTH\t3\t")) co_return;
    }
  }
};

Task<> a_moment() { co_await net::yield(); }

auth::Request request(const char* mechanism) {
  auth::Request out;
  out.mechanism = mechanism;
  out.service = "smtp";
  out.remote_ip = "192.0.2.1";
  out.secured = true;
  return out;
}

}  // namespace

TEST_CASE("a whole attempt, one with a challenge, and a server that dies",
          "[auth]") {
  net::Loop loop;
  net::TaskSet tasks;
  FakeAuth server;
  auth::DovecotClient client(server.path, tasks);
  auto missing = loop.run(client.connect());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().what.find("No such file") != std::string::npos);
  CHECK(client.mechanisms().empty());

  server.open();
  // It heals by itself, a second after the failure.
  while (client.mechanisms().empty()) {
    (void)loop.run(client.connect());
    loop.run(a_moment());
  }
  REQUIRE(client.mechanisms().size() == 3);
  auto ok = loop.run(client.start(request("PLAIN")));
  REQUIRE(ok);
  CHECK(ok->answer.kind == auth::Answer::Kind::Ok);
  CHECK(ok->answer.user == "u");
  auto challenge = loop.run(client.start(request("LOGIN")));
  REQUIRE(challenge);
  CHECK(challenge->answer.challenge == "VXNlcjo=");
  auto failed = loop.run(client.go_on(challenge->id, "dQ=="));
  REQUIRE(failed);
  CHECK(failed->kind == auth::Answer::Kind::Fail);
  CHECK(failed->reason == "no");
  CHECK(server.heard[2] ==
        "AUTH\t1\tPLAIN\tservice=smtp\tsecured\trip=192.0.2.1");
  // The server goes away at the third: it is asked once more on a new
  // connection, as its fourth.
  (void)loop.run(
      net::within(net::Deadline::in(1s), client.start(request("LOGIN"))));
  CHECK(server.connections == 2);
  server.tasks.clear();
  tasks.clear();
}

TEST_CASE("security options take mechanisms out", "[auth]") {
  auth::Mechanism plain{.name = "PLAIN", .plaintext = true};
  auth::Mechanism hidden{.name = "X", .is_private = true};
  CHECK(auth::SecurityOptions::parse("noanonymous")->allow(plain));
  CHECK_FALSE(auth::SecurityOptions::parse("noplaintext")->allow(plain));
  CHECK_FALSE(auth::SecurityOptions::parse("")->allow(hidden));
  CHECK_FALSE(auth::SecurityOptions::parse("nonsense"));
}
