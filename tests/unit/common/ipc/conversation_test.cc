#include "common/ipc/conversation.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/ipc/rewrite.h"
#include "common/ipc/trigger.h"
#include "common/net/listener.h"
#include "common/net/task_set.h"

using namespace mail;
using namespace std::chrono_literals;
using net::Deadline;
using net::Task;

namespace {

struct Server {
  char directory[32] = "/tmp/ipc_test.XXXXXX";
  std::string path;
  int connections = 0;
  int answers_a_connection = 1000;
  std::string received;
  net::TaskSet tasks;

  Server() {
    REQUIRE(mkdtemp(directory));
    path = std::string(directory) + "/rewrite";
  }
  ~Server() {
    unlink(path.c_str());
    rmdir(directory);
  }
};

Task<> serve(Server* server, net::Stream stream) {
  ipc::greet(stream, ipc::kRewriteProtocol);
  for (int i = 0; i < server->answers_a_connection; ++i) {
    auto sent = co_await stream.flush(Deadline::in(5s));
    if (!sent) co_return;
    auto request = co_await ipc::receive<ipc::RewriteRequest>(stream, "client",
                                                              Deadline::in(5s));
    if (!request) co_return;
    ipc::append(stream, ipc::RewriteReply{0, request->address + "@here"});
  }
  auto sent = co_await stream.flush(Deadline::in(5s));
  CHECK(sent);
}

Task<> accept_all(Server* server, net::Listener* listener) {
  while (true) {
    auto fd = co_await listener->accept();
    if (!fd) co_return;
    ++server->connections;
    server->tasks.start(serve(server, net::Stream(std::move(*fd))));
  }
}

Task<> swallow(Server* server, net::Listener* listener) {
  auto fd = co_await listener->accept();
  net::Stream stream(std::move(*fd));
  while (true) {
    auto got = co_await stream.fill(Deadline::in(5s));
    if (!got || *got == 0) break;
  }
  server->received = stream.input();
}

Task<Result<ipc::RewriteReply>> ask(ipc::Client* client, std::string address) {
  ipc::RewriteRequest request;
  request.rule = "local";
  request.address = std::move(address);
  auto reply = co_await client->ask<ipc::RewriteReply>(request);
  co_return reply;
}

}  // namespace

TEST_CASE("a connection is kept, and replaced when the server closed it",
          "[ipc]") {
  net::Loop loop;
  Server server;
  server.answers_a_connection = 2;
  net::Listener listener(*net::Listener::bind({{}, 0, server.path}));
  server.tasks.start(accept_all(&server, &listener));
  ipc::Client client({server.path, ipc::kRewriteProtocol});
  for (int i = 0; i < 5; ++i) {
    auto reply = loop.run(ask(&client, "u" + std::to_string(i)));
    INFO((reply ? "" : reply.error().what));
    REQUIRE(reply);
    CHECK(reply->address == "u" + std::to_string(i) + "@here");
  }
  CHECK(server.connections == 3);
  server.tasks.clear();
}

TEST_CASE("a wrong service is told from its greeting", "[ipc]") {
  net::Loop loop;
  Server server;
  net::Listener listener(*net::Listener::bind({{}, 0, server.path}));
  server.tasks.start(accept_all(&server, &listener));
  ipc::Client client({server.path, "verify"});
  auto reply = loop.run(ask(&client, "u"));
  REQUIRE_FALSE(reply);
  CHECK(reply.error().fault == Fault::Protocol);
  server.tasks.clear();
}

TEST_CASE("a missing service is a plain error", "[ipc]") {
  net::Loop loop;
  ipc::Client client({"/nonexistent/rewrite", ipc::kRewriteProtocol});
  auto reply = loop.run(ask(&client, "u"));
  REQUIRE_FALSE(reply);
  CHECK(reply.error().what ==
        "connect to /nonexistent/rewrite: No such file or directory");
}

TEST_CASE("a trigger is its bytes and a NUL", "[ipc]") {
  net::Loop loop;
  Server server;
  net::Listener listener(*net::Listener::bind({{}, 0, server.path}));
  server.tasks.start(swallow(&server, &listener));
  CHECK(loop.run(ipc::trigger(server.path, "FADI", Deadline::in(5s))));
  loop.run(server.tasks.drained());
  CHECK(server.received == std::string("FADI\0", 5));
}
