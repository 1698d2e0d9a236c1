#include "smtpd/policyd-spf/config.h"

#include <catch2/catch.hpp>

#include "smtpd/policyd-spf/request.h"

using namespace mail::policyd_spf;

TEST_CASE("policyd-spf.conf gives values, and lines for what is wrong",
          "[policyd-spf]") {
  auto loaded = parse_config(
      "# comment\n"
      "debugLevel = 2 \n"
      "TestOnly = 0\n"
      "HELO_reject=Softfail # as ever\n"
      "skip_addresses = 10.0.0.0/8, ::ffff:127.0.0.0/104,x\n"
      "Domain_Whitelist = A.example,b.example\n"
      "bogus = 1\n"
      "Per_User = text:/etc/x\n"
      "no equal sign\n",
      "FILE");
  const Config& c = loaded.config;
  CHECK(c.debug_level == 2);
  CHECK_FALSE(c.rejects);
  CHECK(c.helo_reject == "Softfail");
  CHECK(c.mail_from_reject == "Fail");
  REQUIRE(c.skip_addresses.size() == 2);
  CHECK(c.skip_addresses[1].first.text() == "127.0.0.0");
  CHECK(c.skip_addresses[1].second == 8);
  CHECK(c.domain_whitelist ==
        std::vector<std::string>{"a.example", "b.example"});
  REQUIRE(loaded.lines.size() == 4);
  CHECK(loaded.lines[0] == "ERROR: x in skip_addresses not IP network.");
  CHECK(loaded.lines[1] == "ERROR: Unknown name \"bogus\" in file \"FILE\"");
  CHECK(loaded.lines[2] ==
        "ERROR: Per_User = text:/etc/x in file \"FILE\" is not text,PATH");
  CHECK(parse_config("Per_User = text,/etc/x\n", "FILE").config.per_user ==
        "/etc/x");
  CHECK(loaded.lines[3].find("no equal sign") != std::string::npos);
}

TEST_CASE("users have settings over those for all", "[policyd-spf]") {
  Config base;
  base.helo_reject = "Null";
  auto loaded = parse_users(
      "# comment\n"
      "Open@Example.org, HELO_reject=No_Check | TestOnly=0\n"
      "strict@example.org,PermError_reject=True|debugLevel=5|bogus=1\n"
      "junk\n",
      "FILE", base);
  REQUIRE(loaded.users.size() == 2);
  CHECK(loaded.users["open@example.org"].helo_reject == "No_Check");
  CHECK_FALSE(loaded.users["open@example.org"].rejects);
  CHECK(loaded.users["strict@example.org"].helo_reject == "Null");
  CHECK(loaded.users["strict@example.org"].perm_error_reject);
  CHECK(loaded.users["strict@example.org"].debug_level == 1);
  CHECK(loaded.lines ==
        std::vector<std::string>{
            "ERROR: debugLevel in file \"FILE\" cannot be set for one user",
            "ERROR: Unknown name \"bogus\" in file \"FILE\"",
            "ERROR parsing line \"junk\" from file \"FILE\""});
}

TEST_CASE("A policy request is read line by line", "[policyd-spf]") {
  RequestParser parser;
  std::string bad;
  parser.bad_line = [&](std::string_view line) { bad = line; };
  CHECK_FALSE(parser.take("request=smtpd_access_policy"));
  CHECK_FALSE(parser.take("sender=A@Example.COM\r"));
  CHECK_FALSE(parser.take("queue_id=4ABcD"));
  CHECK_FALSE(parser.take("foo"));
  CHECK(bad == "foo");
  CHECK(parser.take(""));
  auto request = parser.take_request();
  CHECK(request.sender == "a@example.com");
  CHECK(request.queue_id == "4ABcD");
  CHECK(parser.take(""));
  CHECK(parser.take_request().sender.empty());
  std::string large(RequestParser::kMostBytes + 1, 'a');
  parser.take("x=" + large);
  CHECK(parser.too_large());
}
