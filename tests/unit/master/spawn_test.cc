#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>

#include "master/spawn/socket_command.h"

using namespace mail;
using spawn::run_on_socket;
using spawn::SocketCommand;

namespace {

struct Pair {
  UniqueFd ours, theirs;
  Pair() {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }
  void say(std::string_view text) const {
    REQUIRE(send(ours.get(), text.data(), text.size(), 0) ==
            static_cast<ssize_t>(text.size()));
    shutdown(ours.get(), SHUT_WR);
  }
  /// Until the other side has closed.
  std::string hear() const {
    std::string out;
    char buffer[256];
    ssize_t n;
    while ((n = read(ours.get(), buffer, sizeof buffer)) > 0) {
      out.append(buffer, static_cast<size_t>(n));
    }
    return out;
  }
};

SocketCommand shell(std::string script) {
  SocketCommand command;
  command.argv = {"/bin/sh", "-c", std::move(script)};
  command.environment = {"PATH=/usr/bin:/bin", "WHO=spawn"};
  return command;
}

}  // namespace

TEST_CASE("a command speaks with the client itself", "[spawn]") {
  Pair pair;
  pair.say("hello\n");
  auto end = run_on_socket(
      shell("read line; echo \"$WHO: $line\"; echo oops >&2; exit 3"),
      std::move(pair.theirs));
  REQUIRE(end);
  CHECK(end->status == 3);
  CHECK(end->signal == 0);
  CHECK_FALSE(end->timed_out);
  CHECK(pair.hear() == "spawn: hello\noops\n");
}

TEST_CASE("a command sees its own environment alone", "[spawn]") {
  setenv("SPAWN_TEST_SECRET", "x", 1);
  Pair pair;
  auto end = run_on_socket(shell("echo \"[$SPAWN_TEST_SECRET]\""),
                           std::move(pair.theirs));
  REQUIRE(end);
  CHECK(pair.hear() == "[]\n");
}

TEST_CASE("a command that is killed says by what", "[spawn]") {
  Pair pair;
  auto end = run_on_socket(shell("kill -TERM $$"), std::move(pair.theirs));
  REQUIRE(end);
  CHECK(end->signal == SIGTERM);
  CHECK_FALSE(end->timed_out);
}

TEST_CASE("a command that takes too long ends with its children", "[spawn]") {
  Pair pair;
  auto command = shell("cat & cat");  // both wait for us, for ever
  command.time_limit = std::chrono::seconds(1);
  auto end = run_on_socket(command, std::move(pair.theirs));
  REQUIRE(end);
  CHECK(end->timed_out);
  CHECK(pair.hear().empty());  // nobody holds the other end any more
}
