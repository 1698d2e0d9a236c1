#include "common/login/post_login.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/login/anvil_client.h"
#include "common/login/handing_over.h"
#include "common/net/loop.h"

namespace mail::login {
namespace {

using namespace std::chrono_literals;

TEST_CASE("What a user's process is told comes back") {
  SessionStart start;
  start.user = "a\tb";
  start.fields.set("uid", "1000");
  start.fields.set("home", "/home/a\nb");
  start.request.session = "sid";
  start.request.data = "x\r\n";
  auto parsed = parse_session_start(encode(start));
  REQUIRE(parsed);
  CHECK(parsed->user == "a\tb");
  CHECK(parsed->fields.get("home") == "/home/a\nb");
  CHECK(parsed->request.session == "sid");
  CHECK(parsed->request.data == "x\r\n");
  CHECK_FALSE(parse_session_start("a"));
  CHECK_FALSE(parse_session_start("a\n"));
}

TEST_CASE("A cookie's digits become its bytes") {
  auto bytes = cookie_bytes("000102030405060708090a0b0c0d0eff");
  CHECK(bytes[1] == 1);
  CHECK(bytes[15] == 255);
  CHECK(cookie_bytes("xyz") == std::array<uint8_t, 16>{});
}

net::Task<> look_up(AnvilClient* anvil, std::string ident, unsigned* out) {
  auto count = co_await anvil->lookup(std::move(ident));
  *out = count ? *count : 999;
}

TEST_CASE("Questions to anvil that wait together get their own answers") {
  net::Loop loop;
  net::TaskSet tasks, asking;
  auto pair = net::make_pair(net::PairKind::Stream);
  REQUIRE(pair);
  AnvilClient anvil(std::move(pair->ours), tasks);
  unsigned counts[3] = {};
  asking.start(look_up(&anvil, anvil_ident("imap", "::1", "a\tb"), &counts[0]));
  asking.start(look_up(&anvil, "imap/1/b", &counts[1]));
  asking.start(look_up(&anvil, "imap/1/c", &counts[2]));
  REQUIRE(::write(pair->theirs.get(), "3\n0\n17\n", 7) == 7);
  loop.run(asking.drained());
  CHECK(counts[0] == 3);
  CHECK(counts[1] == 0);
  CHECK(counts[2] == 17);
  char text[200] = {};
  REQUIRE(::read(pair->theirs.get(), text, sizeof(text)) > 0);
  CHECK(std::string_view(text).starts_with(
      "VERSION\tanvil\t1\t0\nLOOKUP\timap/::1/a\001tb\n"));
  asking.start(look_up(&anvil, "imap/1/d", &counts[0]));
  pair->theirs.reset();
  loop.run(asking.drained());
  CHECK(counts[0] == 999);
}

}  // namespace
}  // namespace mail::login
