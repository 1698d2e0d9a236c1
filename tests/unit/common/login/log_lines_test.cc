#include "common/login/log_lines.h"

#include <catch2/catch.hpp>

#include "common/login/session_id.h"

namespace mail::login {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kFormat = "%$: %s";
constexpr std::string_view kElements =
    "user=<%u> method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>";

LogFacts alice() {
  LogFacts f;
  f.service = "imap";
  f.user = "alice";
  f.mechanism = "PLAIN";
  f.remote_ip = "192.0.2.9";
  f.local_ip = "192.0.2.1";
  f.session = "755/H/1gHr9/AAAB";
  return f;
}

TEST_CASE("Login lines are as fail2ban and its like know them") {
  auto f = alice();
  f.mail_pid = 6174;
  f.security = "TLS";
  CHECK(log_line(kFormat, kElements, "Login", f) ==
        "Login: user=<alice>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, "
        "mpid=6174, TLS, session=<755/H/1gHr9/AAAB>");
}

TEST_CASE("Elements without a value are left out, the user stays") {
  LogFacts f;
  f.remote_ip = "192.0.2.9";
  CHECK(log_line(kFormat, kElements, "Disconnected", f) ==
        "Disconnected: user=<>, rip=192.0.2.9");
  f.user = "Bob@Example.com";
  CHECK(log_line("%s | %$ %%", "%Lu fixed %d %n (%{rport})", "X", f) ==
        "bob@example.com, fixed, Example.com, Bob | X %");
}

TEST_CASE("What is said of attempts is the first that applies") {
  Instant now{};
  now += 1000s;
  Attempts a;
  a.connected = now - 4s;
  CHECK(disconnect_reason(a, now) ==
        "disconnected before auth was ready, waited 4 secs");
  a.ready = true;
  CHECK(disconnect_reason(a, now) == "no auth attempts in 4 secs");
  a.failure = Attempts::Failure::Plaintext;
  CHECK(disconnect_reason(a, now) == "tried to use disallowed plaintext auth");
  a.failure = Attempts::Failure::None;
  a.count = 2;
  a.first = now - 3s;
  CHECK(disconnect_reason(a, now) == "auth failed, 2 attempts in 3 secs");
  a.failure = Attempts::Failure::InvalidBase64;
  CHECK(disconnect_reason(a, now) == "sent invalid base64 in response");
  a.waiting = Attempts::Waiting::Client;
  a.waiting_since = now - 2s;
  CHECK(disconnect_reason(a, now) ==
        "client didn't finish SASL auth, waited 2 secs");
  a.waiting = Attempts::Waiting::Nothing;
  a.successes = 1;
  CHECK(disconnect_reason(a, now) == "internal failure, 1 successful auths");
}

TEST_CASE("A session id holds time, port and address") {
  // 2026-11-24 14:44:38 from 127.0.0.1, port 56654.
  auto v4 = session_id(0x000607bff6f63cdb, 56654,
                       *net::IpAddress::parse("127.0.0.1"));
  CHECK(v4.size() == 16);
  CHECK(v4 == "2zz29r8HTt1/AAAB");
  auto v6 = session_id(1, 2, *net::IpAddress::parse("2001:db8::1"));
  CHECK(v6.size() == 32);
}

}  // namespace
}  // namespace mail::login
