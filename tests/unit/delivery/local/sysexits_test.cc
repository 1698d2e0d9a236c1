#include "delivery/sysexits.h"

#include <catch2/catch.hpp>
#include <csignal>

using namespace mail;
using delivery::judge_command;
using process::CommandEnd;

namespace {

CommandEnd exits(int status, std::string output = "") {
  CommandEnd end;
  end.status = status;
  end.output = std::move(output);
  return end;
}

/// Feeds `text` once.
process::CommandInput feed(std::string text) {
  return [text](std::string& out) -> Result<bool> {
    out += text;
    return false;
  };
}

}  // namespace

TEST_CASE("exit statuses are sysexits(3)") {
  CHECK(judge_command(exits(0, "fine"), "c").status == "2.0.0");
  auto unknown = judge_command(exits(67), "c");
  CHECK(unknown.status == "5.1.1");
  CHECK(unknown.reason == "user unknown");
  auto later = judge_command(exits(75, "disk\nfull\n"), "c");
  CHECK(later.status == "4.3.0");
  CHECK(later.reason == "temporary failure. Command output: disk full ");
  CHECK(judge_command(exits(3), "x y").reason ==
        "Command died with status 3: \"x y\"");
}

TEST_CASE("a status code in the output wins") {
  auto dsn = judge_command(exits(1, "5.7.3 no way\n"), "c");
  CHECK(dsn.status == "5.7.3");
  CHECK(dsn.reason == "no way ");
  CHECK(judge_command(exits(75, "2.0.0 fine"), "c").status == "4.3.0");
}

TEST_CASE("commands read, answer, and are ended at the limit") {
  std::signal(SIGPIPE, SIG_IGN);  // as in every daemon
  process::Command command;
  command.argv = {"/bin/cat"};
  auto end = process::run_command(command, feed("hello"));
  REQUIRE(end);
  CHECK(end->output == "hello");
  command.argv = {"/bin/sh", "-c", "exit 3"};  // reads nothing
  end = process::run_command(command, feed(std::string(1 << 20, 'x')));
  REQUIRE(end);
  CHECK(end->status == 3);
  command.argv = {"/bin/sh", "-c", "while :; do :; done"};
  command.time_limit = std::chrono::seconds(0);
  end = process::run_command(command, feed("x"));
  REQUIRE(end);
  CHECK(end->timed_out);
  command.argv = {"/nowhere/at/all"};
  command.time_limit = std::chrono::seconds(60);
  end = process::run_command(command, feed("x"));
  REQUIRE(end);
  CHECK(end->status == 127);
}

TEST_CASE("a shell only where one is needed") {
  CHECK(process::shell_words("/bin/cat  -n").size() == 2);
  CHECK(process::shell_words("/bin/cat > /x")[0] == "/bin/sh");
  CHECK(process::shell_words("exit 75")[0] == "/bin/sh");
}
