#include "common/daemon/user_workers.h"

#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/net/loop.h"

namespace mail::daemon {
namespace {

using namespace std::chrono_literals;

UserWorkers::Options echo() {
  UserWorkers::Options options;
  const char* path = getenv("ECHO_WORKER");
  REQUIRE(path != nullptr);
  options.executable = path;
  options.arguments = {path};
  return options;
}

Identity myself() { return {geteuid(), getegid(), {}, {}, ""}; }

net::Task<std::string> ask(UserWorkers* workers, Identity who, UniqueFd fd,
                           std::string message) {
  auto answer =
      co_await workers->call(std::move(who), std::move(fd), std::move(message));
  if (!answer) co_return "error: " + answer.error().what;
  co_return *answer;
}

net::Task<> ask_into(UserWorkers* workers, std::string message,
                     std::string* out) {
  *out = co_await ask(workers, myself(), UniqueFd(), std::move(message));
}

TEST_CASE("An identity's text comes back") {
  Identity who{1000, 8, 12, {8, 110}, "/srv/a:b"};
  CHECK(who.text() == "1000:8:12:8,110:/srv/a:b");
  CHECK(Identity::parse(who.text()) == who);
  CHECK(Identity::parse("0:0:::") == Identity{});
  for (auto bad : {"", "1", "x:1:::", "1:1::2,x:", "1:-1:::", "1:1:x::"}) {
    CHECK_FALSE(Identity::parse(bad));
  }
}

TEST_CASE("Jobs of one user are done by one process that stays") {
  net::Loop loop;
  UserWorkers workers(echo());
  auto pair = net::make_pair(net::PairKind::Stream);
  REQUIRE(pair);
  REQUIRE(::write(pair->ours.get(), "x", 1) == 1);
  auto pid = workers.prepare(myself());
  REQUIRE(pid);
  auto first =
      loop.run(ask(&workers, myself(), std::move(pair->theirs), "hello"));
  auto start = fmt::format("{} {} {} ", *pid, geteuid(), getegid());
  CHECK(first == start + "hello x");
  auto second = loop.run(ask(&workers, myself(), UniqueFd(), "again"));
  CHECK(second == start + "again -");
  CHECK(workers.processes() == 1);
  CHECK(workers.jobs() == 0);
}

TEST_CASE("Large messages pass whole, too large ones are refused") {
  net::Loop loop;
  UserWorkers workers(echo());
  std::string large(kMaxJobMessage - 64, 'a');
  auto answer = loop.run(ask(&workers, myself(), UniqueFd(), large));
  CHECK(answer.size() > large.size());
  answer = loop.run(ask(&workers, myself(), UniqueFd(),
                        std::string(kMaxJobMessage + 1, 'b')));
  CHECK(answer == "error: job message too large");
}

TEST_CASE("Many jobs at once keep their answers apart") {
  net::Loop loop;
  UserWorkers workers(echo());
  net::TaskSet tasks;
  std::vector<std::string> answers(200);
  for (size_t i = 0; i < answers.size(); i++) {
    tasks.start(ask_into(&workers, fmt::format("job{}", i), &answers[i]));
  }
  CHECK(workers.jobs() == 200);
  loop.run(tasks.drained());
  for (size_t i = 0; i < answers.size(); i++) {
    CHECK(answers[i].ends_with(fmt::format(" job{} -", i)));
  }
}

TEST_CASE("A process that dies fails its jobs, and another takes its place") {
  net::Loop loop;
  UserWorkers workers(echo());
  auto first = workers.prepare(myself());
  REQUIRE(first);
  auto answer = loop.run(ask(&workers, myself(), UniqueFd(), "die"));
  CHECK(answer.starts_with(fmt::format("error: process {} has ended", *first)));
  answer = loop.run(ask(&workers, myself(), UniqueFd(), "next"));
  CHECK(answer.ends_with(" next -"));
  CHECK_FALSE(answer.starts_with(fmt::format("{} ", *first)));
}

TEST_CASE("A process without jobs ends after its time") {
  net::Loop loop;
  auto options = echo();
  options.idle = 20ms;
  UserWorkers workers(std::move(options));
  auto answer = loop.run(ask(&workers, myself(), UniqueFd(), "one"));
  CHECK(answer.ends_with(" one -"));
  loop.run(workers.ended());
  answer = loop.run(ask(&workers, myself(), UniqueFd(), "two"));
  CHECK(answer.ends_with(" two -"));
}

TEST_CASE("The limit of processes is kept") {
  if (geteuid() != 0) return;  // others need root
  net::Loop loop;
  auto options = echo();
  options.processes = 1;
  UserWorkers workers(std::move(options));
  Identity other{65534, 65534, {}, {65534}, ""};
  auto answer = loop.run(ask(&workers, other, UniqueFd(), "one"));
  CHECK(answer.ends_with(" 65534 65534 one -"));
  auto refused = workers.prepare(myself());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().sys == EAGAIN);
}

}  // namespace
}  // namespace mail::daemon
