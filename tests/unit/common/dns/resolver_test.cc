#include "common/dns/resolver.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "common/base/file.h"
#include "common/dns/lookups.h"
#include "tests/support/fake_dns.h"

using namespace mail;
using namespace mail::dns;
using namespace std::chrono_literals;
using net::Deadline;
using test::DnsQuery;
using test::DnsReply;

namespace {

Deadline soon() { return Deadline::in(20s); }

net::Task<> into(Resolver* resolver, std::string name, Answer* out) {
  *out = co_await resolver->lookup(std::move(name), Type::A, soon());
}
net::Task<int> ask_twice(Resolver* resolver, Answer* a, Answer* b) {
  net::TaskSet both;
  both.start(into(resolver, "host.example", a));
  both.start(into(resolver, "HOST.example", b));
  co_await both.drained();
  co_return 0;
}
// The first asker goes away before the reply; the second must not hang.
net::Task<int> cancel_first(Resolver* resolver, Answer* b) {
  Answer a;
  net::TaskSet first, second;
  first.start(into(resolver, "host.example", &a));
  second.start(into(resolver, "host.example", b));
  first.clear();
  co_await second.drained();
  co_return 0;
}

struct World {
  net::Loop loop;
  test::FakeDns server;
  Resolver resolver{server.conf()};
  Answer lookup(std::string name, Type type) {
    return loop.run(resolver.lookup(std::move(name), type, soon()));
  }
};

}  // namespace

TEST_CASE("a name is looked up, and kept", "[dns]") {
  World w;
  w.server.add("host.example", Type::A, test::dns_a("192.0.2.1"));
  auto answer = w.lookup("host.example", Type::A);
  CHECK(answer.found());
  CHECK(answer.records.at(0).address.text() == "192.0.2.1");
  CHECK(w.lookup("HOST.example.", Type::A).found());
  CHECK(w.server.queries.size() == 1);
  CHECK(w.lookup("host.example", Type::MX).status == Status::NoData);
  CHECK(w.lookup("nobody.example", Type::A).status == Status::NotFound);
  CHECK(w.lookup("nobody.example", Type::A).status == Status::NotFound);
  CHECK(w.server.queries.size() == 3);
  CHECK(w.lookup("not..a.name", Type::A).status == Status::NotFound);
  CHECK(w.server.queries.size() == 3);
}

TEST_CASE("equal questions are asked once at a time", "[dns]") {
  World w;
  w.server.add("host.example", Type::A, test::dns_a("192.0.2.1"));
  Answer a, b;
  w.loop.run(ask_twice(&w.resolver, &a, &b));
  CHECK(a.found());
  CHECK(b.found());
  CHECK(b.name == "HOST.example");
  CHECK(w.server.queries.size() == 1);
}

TEST_CASE("a question outlives the one who asked first", "[dns]") {
  World w;
  w.server.add("host.example", Type::A, test::dns_a("192.0.2.1"));
  Answer b;
  w.loop.run(cancel_first(&w.resolver, &b));
  CHECK(b.found());
}

TEST_CASE("aliases are followed from server to server, not in circles",
          "[dns]") {
  World w;
  w.server.add("www.example", Type::CNAME, test::dns_name("b.example"));
  w.server.add("b.example", Type::CNAME, test::dns_name("c.example"));
  w.server.add("c.example", Type::A, test::dns_a("192.0.2.3"));
  w.server.add("l1.example", Type::CNAME, test::dns_name("l2.example"));
  w.server.add("l2.example", Type::CNAME, test::dns_name("l1.example"));
  auto answer = w.lookup("www.example", Type::A);
  CHECK(answer.found());
  CHECK(answer.name == "www.example");
  CHECK(answer.canonical == "c.example");
  CHECK(w.lookup("l1.example", Type::A).status == Status::ServerFailure);
}

TEST_CASE("a truncated or garbled reply is asked for again over TCP", "[dns]") {
  World w;
  bool garble = GENERATE(false, true);
  w.server.add("host.example", Type::A, test::dns_a("192.0.2.1"));
  w.server.handler = [&](const DnsQuery& q) -> std::optional<std::string> {
    std::string whole = w.server.handle(q);
    if (q.tcp) return whole;
    if (garble) return whole.substr(0, whole.size() - 2);
    return DnsReply(q).truncated().bytes();
  };
  CHECK(w.lookup("host.example", Type::A).found());
  CHECK(w.server.queries.at(1).tcp);
}

TEST_CASE("a server without EDNS is asked without it", "[dns]") {
  World w;
  w.server.add("host.example", Type::A, test::dns_a("192.0.2.1"));
  w.server.handler = [&](const DnsQuery& q) -> std::optional<std::string> {
    DnsQuery bare = q;
    bare.question.clear();
    if (q.edns) return DnsReply(bare).rcode(1).bytes();
    return w.server.handle(q);
  };
  CHECK(w.lookup("host.example", Type::A).found());
}

TEST_CASE("a forged id is ignored, the true reply taken", "[dns]") {
  World w;
  w.server.add("host.example", Type::A, test::dns_a("192.0.2.1"));
  std::optional<DnsQuery> held;
  w.server.handler = [&](const DnsQuery& q) -> std::optional<std::string> {
    if (held) return w.server.handle(q);
    held = q;
    return DnsReply(q)
        .id(static_cast<uint16_t>(q.id + 1))
        .answer(q.name, Type::A, 9, test::dns_a("192.0.2.66"))
        .bytes();
  };
  auto answer = w.lookup("host.example", Type::A);
  CHECK(answer.records.at(0).address.text() == "192.0.2.1");
}

TEST_CASE("a server that fails hands over to the next", "[dns]") {
  World w;
  test::FakeDns second;
  second.add("host.example", Type::A, test::dns_a("192.0.2.2"));
  int code = GENERATE(2, 4, 5);
  w.server.handler = [&](const DnsQuery& q) -> std::optional<std::string> {
    return DnsReply(q).rcode(code).bytes();
  };
  auto conf = w.server.conf();
  conf.servers.push_back(second.conf().servers[0]);
  Resolver resolver(conf);
  auto answer = w.loop.run(resolver.lookup("host.example", Type::A, soon()));
  CHECK(answer.records.at(0).address.text() == "192.0.2.2");
  CHECK(w.lookup("host.example", Type::A).status == Status::Temporary);
}

TEST_CASE("silence and a closed port are temporary failures", "[dns]") {
  World w;
  w.server.handler = [](const DnsQuery&) { return std::nullopt; };
  auto answer = w.loop.run(
      w.resolver.lookup("host.example", Type::A, Deadline::in(50ms)));
  CHECK(answer.status == Status::Temporary);
  ResolvConf closed;
  closed.servers = {*w.server.conf().servers.begin()};
  closed.servers[0].port = 1;
  Resolver nobody(closed);
  answer = w.loop.run(nobody.lookup("host.example", Type::A, soon()));
  CHECK(answer.temporary());
  // The impatient one's failure is not kept for the others.
  w.server.add("host.example", Type::A, test::dns_a("192.0.2.1"));
  w.server.handler = nullptr;
  CHECK(w.lookup("host.example", Type::A).found());
}

TEST_CASE("the search list is tried when asked for", "[dns]") {
  World w;
  w.server.add("mail.two.example", Type::A, test::dns_a("192.0.2.1"));
  auto conf = w.server.conf();
  conf.search = {"one.example", "two.example"};
  Resolver resolver(conf);
  Resolver::Options options;
  options.search = true;
  CHECK(w.loop.run(resolver.lookup("mail", Type::A, soon(), options)).found());
  CHECK_FALSE(w.loop.run(resolver.lookup("mail", Type::A, soon())).found());
  CHECK_FALSE(
      w.loop.run(resolver.lookup("mail.", Type::A, soon(), options)).found());
}

TEST_CASE("MX hosts come by preference; a null MX is told", "[dns]") {
  World w;
  w.server.add("example.org", Type::MX, test::dns_mx(20, "b.example"));
  w.server.add("example.org", Type::MX, test::dns_mx(10, "a.example"));
  w.server.add("null.example", Type::MX, test::dns_mx(0, ""));
  auto mx = w.loop.run(mx_hosts(w.resolver, "example.org", soon()));
  REQUIRE(mx.hosts.size() == 2);
  CHECK(mx.hosts[0].name == "a.example");
  mx = w.loop.run(mx_hosts(w.resolver, "null.example", soon()));
  CHECK(mx.answer.status == Status::NullMx);
  CHECK(mx.answer.error_text() ==
        "Domain null.example does not accept mail (nullMX)");
}

TEST_CASE("addresses of both families are asked at once", "[dns]") {
  World w;
  w.server.add("host.example", Type::A, test::dns_a("192.0.2.1"));
  w.server.add("host.example", Type::AAAA, test::dns_a("2001:db8::1"));
  w.server.add("four.example", Type::A, test::dns_a("192.0.2.4"));
  auto both = [&](const char* name, Families families) {
    return w.loop.run(addresses(w.resolver, name, families, soon()));
  };
  CHECK(both("host.example", Families::Both).records.size() == 2);
  CHECK(both("host.example", Families::V6).records.size() == 1);
  CHECK(both("four.example", Families::Both).records.size() == 1);
  CHECK(both("four.example", Families::V6).status == Status::NoData);
  CHECK(both("none.example", Families::Both).status == Status::NotFound);
  CHECK(both("192.0.2.9", Families::Both).records.size() == 1);
}

TEST_CASE("native lookups ask the hosts file first", "[dns]") {
  World w;
  w.server.add("1.2.0.192.in-addr.arpa", Type::PTR,
               test::dns_name("dns.example"));
  Resolver resolver(w.server.conf(), Hosts::parse("192.0.2.7 near.example"));
  auto ip = [](const char* text) { return *net::IpAddress::parse(text); };
  auto name = w.loop.run(ptr_name(resolver, ip("192.0.2.7"), soon()));
  CHECK(name.records.at(0).target == "near.example");
  name = w.loop.run(ptr_name(resolver, ip("192.0.2.1"), soon()));
  CHECK(name.records.at(0).target == "dns.example");
  auto native = w.loop.run(
      native_addresses(resolver, "near.example", Families::Both, soon()));
  CHECK(native.records.at(0).address == ip("192.0.2.7"));
  native =
      w.loop.run(native_addresses(resolver, "localhost", Families::V4, soon()));
  CHECK(native.records.size() == 1);
  native = w.loop.run(
      native_addresses(resolver, "none.example", Families::Both, soon()));
  CHECK(native.status == Status::NotFound);
}

TEST_CASE("files are read at the start, and their absence is none", "[dns]") {
  net::Loop loop;
  char name[] = "/tmp/resolver.XXXXXX";
  std::string dir = mkdtemp(name);
  REQUIRE(replace_file(dir + "/resolv.conf", "nameserver 192.0.2.1\n", 0644));
  auto resolver = Resolver::open({dir + "/resolv.conf", dir + "/hosts"});
  REQUIRE(resolver);
  CHECK((*resolver)->conf().servers.at(0).text() == "192.0.2.1:53");
  std::filesystem::remove_all(dir);
  auto bare = Resolver::open({dir + "/resolv.conf", dir + "/hosts"});
  REQUIRE(bare);
  CHECK((*bare)->conf().servers.at(0).text() == "127.0.0.1:53");
}
