#include "common/auth/master_client.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/net/listener.h"

using namespace mail;
using namespace std::chrono_literals;
using net::Task;

namespace {

/// Answers as Dovecot 2.3 does; `heard` are the client's lines.
struct FakeMaster {
  std::string path = "/tmp/master_test." + std::to_string(getpid());
  std::vector<std::string> heard;
  net::TaskSet tasks;
  std::unique_ptr<net::Listener> listener;

  FakeMaster() {
    net::Endpoint where;
    where.path = path;
    listener = std::make_unique<net::Listener>(*net::Listener::bind(where));
    tasks.start(accept(this));
  }
  ~FakeMaster() { unlink(path.c_str()); }
  static Task<> accept(FakeMaster* self) {
    while (true) {
      auto fd = co_await self->listener->accept();
      if (!fd) co_return;
      self->tasks.start(serve(self, net::Stream(std::move(*fd))));
    }
  }
  static std::string answer(const std::string& line) {
    if (line.starts_with("USER\t1\talice"))
      return "USER\t1\talice\tuid=1000\tgid=1000\thome=/home/alice\n";
    if (line.starts_with("USER\t2\t")) return "NOTFOUND\t2\n";
    if (line.starts_with("REQUEST\t3\t"))
      return "USER\t3\tbob\tuid=5\tauth_mech=PLAIN\n";
    if (line.starts_with("LIST\t4"))
      return "LIST\t4\talice\nLIST\t4\tbob\nDONE\t4\t\n";
    if (line.starts_with("CACHE-FLUSH\t5")) return "OK\t5\t12\n";
    return "";
  }
  static Task<> serve(FakeMaster* self, net::Stream stream) {
    stream.write("VERSION\t1\t1\nSPID\t30\n");
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
      if (line.starts_with("PASS")) co_return;
      stream.write(answer(line));
    }
  }
};

}  // namespace

TEST_CASE("users, cookies, lists and the cache are asked for", "[auth]") {
  net::Loop loop;
  net::TaskSet tasks;
  FakeMaster server;
  auth::MasterClient client(server.path, tasks);
  ipc::AuthInfo info;
  info.service = "lmtp";
  auto alice = loop.run(client.user("alice", info));
  REQUIRE(alice);
  CHECK(alice->user == "alice");
  CHECK(alice->fields.get("home") == "/home/alice");
  CHECK(client.server_pid() == 30);
  CHECK(server.heard[1] == "USER\t1\talice\tservice=lmtp");
  auto nobody = loop.run(client.user("nobody", info));
  REQUIRE(nobody);
  CHECK(nobody->kind == ipc::UserAnswer::Kind::NotFound);

  ipc::AuthCookieRequest cookie;
  cookie.client_pid = 39;
  cookie.auth_id = 2;
  cookie.cookie = "cce17c35c41c84464c5e4123364e83d6";
  cookie.session_pid = 44;
  cookie.want_token = true;
  auto bob = loop.run(client.request(cookie));
  REQUIRE(bob);
  CHECK(bob->user == "bob");
  CHECK(server.heard.back() ==
        "REQUEST\t3\t39\t2\tcce17c35c41c84464c5e4123364e83d6\t"
        "session_pid=44\trequest_auth_token");
  auto listed = loop.run(client.list("*", info));
  REQUIRE(listed);
  CHECK(listed->complete);
  CHECK(listed->users == std::vector<std::string>{"alice", "bob"});
  auto flushed = loop.run(client.flush_cache({"alice"}));
  REQUIRE(flushed);
  CHECK(*flushed == 12);
  // A server that goes away in the middle is an error, not an answer.
  CHECK_FALSE(loop.run(client.pass("alice", info)));
  server.tasks.clear();
  tasks.clear();
}
