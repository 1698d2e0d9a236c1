#include "delivery/smtp/servers.h"

#include <catch2/catch.hpp>

#include "common/net/loop.h"
#include "delivery/smtp/destination.h"
#include "tests/support/fake_dns.h"

using namespace mail;
using smtpc::Config;
using smtpc::Servers;

namespace {

/// An internet of a few names, and a client within it.
struct World {
  net::Loop loop;
  test::FakeDns dns;
  Config config;

  World() {
    config.resolver = std::make_unique<dns::Resolver>(dns.conf());
    config.randomize = false;
    config.address_preference = "ipv4";
    config.own_addresses = {*net::IpAddress::parse("192.0.2.1")};
  }
  void host(std::string_view name, std::string_view address) {
    bool v6 = address.find(':') != std::string_view::npos;
    dns.add(name, v6 ? dns::Type::AAAA : dns::Type::A, test::dns_a(address));
  }
  void mx(std::string_view name, uint16_t preference, std::string_view host) {
    dns.add(name, dns::Type::MX, test::dns_mx(preference, host));
  }
  Servers find(std::string_view nexthop) {
    auto where = smtpc::parse_destination(nexthop, "25", config.mode);
    REQUIRE(where);
    return loop.run(smtpc::find_servers(config, *where));
  }
  /// The servers in order, or "STATUS TEXT".
  std::string ask(std::string_view nexthop) {
    Servers found = find(nexthop);
    if (found.problem) {
      return found.problem->dsn.status + " " + found.problem->dsn.reason;
    }
    std::string out;
    for (const auto& server : found.list) {
      if (!out.empty()) out += ' ';
      out += server.relay();
    }
    return out;
  }
};

}  // namespace

TEST_CASE("mail exchangers are tried by preference", "[smtpc]") {
  World w;
  w.mx("d.example", 20, "b.example");
  w.mx("d.example", 10, "a.example");
  w.host("a.example", "198.51.100.1");
  w.host("b.example", "198.51.100.2");
  w.host("d.example", "198.51.100.9");
  CHECK(w.ask("d.example") ==
        "a.example[198.51.100.1]:25 b.example[198.51.100.2]:25");
  CHECK(w.ask("d.example:2525") ==
        "a.example[198.51.100.1]:2525 b.example[198.51.100.2]:2525");
  CHECK(w.ask("[d.example]") == "d.example[198.51.100.9]:25");
  CHECK(w.ask("[198.51.100.7]:587") == "198.51.100.7[198.51.100.7]:587");
}

TEST_CASE("a domain without exchangers is its own", "[smtpc]") {
  World w;
  w.host("d.example", "198.51.100.9");
  CHECK(w.ask("d.example") == "d.example[198.51.100.9]:25");
  CHECK(w.ask("none.example") ==
        "5.4.4 Host or domain name not found. Name service error for "
        "name=none.example type=AAAA: Host not found");
}

TEST_CASE("an exchanger without an address is passed over", "[smtpc]") {
  World w;
  w.mx("d.example", 10, "gone.example");
  w.mx("d.example", 20, "b.example");
  w.host("b.example", "198.51.100.2");
  CHECK(w.ask("d.example") == "b.example[198.51.100.2]:25");
  World alone;
  alone.mx("d.example", 10, "gone.example");
  CHECK(alone.ask("d.example").starts_with("5.4.4 "));
  alone.config.defer_without_mx_address = true;
  CHECK(alone.ask("d.example").starts_with("4.4.4 "));
}

TEST_CASE("a null MX takes no mail", "[smtpc]") {
  World w;
  w.mx("d.example", 0, "");
  w.host("d.example", "198.51.100.9");
  CHECK(w.ask("d.example") ==
        "5.1.0 Domain d.example does not accept mail (nullMX)");
}

TEST_CASE("only better exchangers than ourselves are tried", "[smtpc]") {
  World w;
  w.mx("d.example", 10, "a.example");
  w.mx("d.example", 20, "us.example");
  w.mx("d.example", 20, "peer.example");
  w.mx("d.example", 30, "worse.example");
  w.host("a.example", "198.51.100.1");
  w.host("us.example", "192.0.2.1");
  w.host("peer.example", "198.51.100.2");
  w.host("worse.example", "198.51.100.3");
  CHECK(w.ask("d.example") == "a.example[198.51.100.1]:25");
  World best;
  best.mx("d.example", 10, "us.example");
  best.mx("d.example", 20, "b.example");
  best.host("us.example", "192.0.2.1");
  best.host("b.example", "198.51.100.2");
  CHECK(best.ask("d.example") ==
        "5.4.6 mail for d.example loops back to myself");
  // A relay that is wrong is for its owner to mend, not for the sender.
  best.config.relayhost = "d.example";
  CHECK(best.ask("d.example").starts_with("4.3.5 "));
  best.host("self.example", "192.0.2.1");
  CHECK(best.ask("self.example").starts_with("5.4.6 "));
  CHECK(best.ask("[self.example]") == "self.example[192.0.2.1]:25");
  CHECK(best.ask("d.example:26").find("us.example") != std::string::npos);
}

TEST_CASE("of many addresses both families get their places", "[smtpc]") {
  World w;
  for (int i = 1; i <= 6; ++i) {
    w.host("d.example", "198.51.100." + std::to_string(i));
  }
  w.host("d.example", "2001:db8::1");
  w.config.address_limit = 4;
  auto count_v6 = [&] {
    size_t n = 0;
    for (const auto& s : w.find("d.example").list) n += s.where.address.is_v6();
    return n;
  };
  CHECK(w.find("d.example").list.size() == 4);
  CHECK(count_v6() == 1);
  w.config.balance_families = false;
  CHECK(w.find("d.example").list.size() == 7);
}

TEST_CASE("a Unix socket needs no names", "[smtpc]") {
  World w;
  w.config.mode = smtpc::ClientMode::Lmtp;
  w.config.host = "me.example";
  CHECK(w.ask("unix:private/x") == "me.example[private/x]");
}
