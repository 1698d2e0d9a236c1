#include <catch2/catch.hpp>

#include "common/dns/cache.h"
#include "common/dns/hosts.h"
#include "common/dns/lookups.h"
#include "common/dns/resolv_conf.h"

using namespace mail;
using namespace mail::dns;
using namespace std::chrono_literals;

TEST_CASE("resolv.conf is read as resolv.conf(5) says", "[dns]") {
  auto conf = parse_resolv_conf(
      "# comment\n; another\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 "
      "# trailing\nnameserver nonsense\nnameserver 192.0.2.3\n"
      "nameserver 192.0.2.4\ndomain old.example\nsearch a.example b.example\n"
      "options ndots:2 timeout:99 attempts:3 rotate edns0 nonsense use-vc\n"
      "sortlist 1.2.3.4");
  REQUIRE(conf.servers.size() == 3);
  CHECK(conf.servers[1].text() == "[2001:db8::1]:53");
  CHECK(conf.servers[2].text() == "192.0.2.3:53");
  CHECK(conf.search == std::vector<std::string>{"a.example", "b.example"});
  CHECK(conf.ndots == 2);
  CHECK(conf.timeout == 30);
  CHECK(conf.attempts == 3);
  CHECK(conf.rotate);
  CHECK(conf.use_tcp);
  CHECK(parse_resolv_conf("").servers.at(0).text() == "127.0.0.1:53");
}

TEST_CASE("hosts is read in both directions", "[dns]") {
  auto hosts = Hosts::parse(
      "127.0.0.1 localhost\n192.0.2.1\tMail.Example mail # comment\n"
      "2001:db8::1 mail.example\nnonsense x\n192.0.2.1 second\n\n10.0.0.1");
  CHECK(hosts.addresses("MAIL.example.").size() == 2);
  CHECK(hosts.addresses("second").size() == 1);
  CHECK(hosts.addresses("x").empty());
  CHECK(hosts.name(*net::IpAddress::parse("192.0.2.1")) == "Mail.Example");
  CHECK_FALSE(hosts.name(*net::IpAddress::parse("192.0.2.9")));
}

TEST_CASE("the cache forgets in time, and the least used when full", "[dns]") {
  Cache cache(2);
  Instant now{};
  Answer answer;
  answer.status = Status::Found;
  answer.ttl = 10;
  cache.keep("a", answer, now);
  CHECK(cache.find("a", now + 9s));
  CHECK_FALSE(cache.find("a", now + 10s));
  answer.status = Status::NotFound;
  answer.ttl = 86400;
  cache.keep("b", answer, now);
  CHECK(cache.find("b", now + 59s));
  CHECK_FALSE(cache.find("b", now + 60s));
  for (const char* key : {"c", "d"}) cache.keep(key, answer, now);
  CHECK(cache.find("c", now));
  cache.keep("e", answer, now);
  CHECK(cache.size() == 2);
  CHECK(cache.find("c", now));
  CHECK_FALSE(cache.find("d", now));
  answer.status = Status::Temporary;
  cache.keep("c", answer, now);
  CHECK_FALSE(cache.find("c", now + 1s));
}

TEST_CASE("addresses are turned round for reverse lookups", "[dns]") {
  CHECK(reverse_name(*net::IpAddress::parse("192.0.2.1")) ==
        "1.2.0.192.in-addr.arpa");
  CHECK(reversed(*net::IpAddress::parse("2001:db8::1")) ==
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2");
}

TEST_CASE("failed lookups have Postfix's words", "[dns]") {
  Answer answer;
  answer.name = "x.example";
  answer.type = Type::MX;
  answer.status = Status::NotFound;
  CHECK(answer.error_text() ==
        "Host or domain name not found. Name service error for "
        "name=x.example type=MX: Host not found");
  answer.status = Status::Temporary;
  CHECK(answer.error_text() ==
        "Host or domain name not found. Name service error for "
        "name=x.example type=MX: Host not found, try again");
  answer.status = Status::NoData;
  CHECK(answer.error_text().ends_with(
      ": Host found but no data record of requested type"));
  CHECK(native_error_text({Status::NotFound, "x"}) ==
        "unable to look up host x: Name or service not known");
}
