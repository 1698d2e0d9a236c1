#include "common/net/address.h"

#include <catch2/catch.hpp>

using namespace mail;
using net::IpAddress;

TEST_CASE("addresses are parsed whole or not at all", "[net]") {
  CHECK(IpAddress::parse("192.0.2.1")->text() == "192.0.2.1");
  CHECK(IpAddress::parse("2001:DB8::1")->text() == "2001:db8::1");
  CHECK(IpAddress::parse("::ffff:192.0.2.1")->text() == "192.0.2.1");
  CHECK_FALSE(IpAddress::parse("192.0.2"));
  CHECK_FALSE(IpAddress::parse("[::1]"));
  CHECK_FALSE(IpAddress::parse("192.0.2.1 "));
  CHECK_FALSE(IpAddress::parse(""));
}

TEST_CASE("networks hold the addresses that share their first bits", "[net]") {
  auto net10 = *IpAddress::parse("10.0.0.0");
  CHECK(IpAddress::parse("10.255.1.2")->in_network(net10, 8));
  CHECK_FALSE(IpAddress::parse("11.0.0.0")->in_network(net10, 8));
  CHECK(IpAddress::parse("11.0.0.0")->in_network(net10, 7));
  CHECK(IpAddress::parse("192.0.2.1")->in_network(net10, 0));
  CHECK_FALSE(IpAddress::parse("::1")->in_network(net10, 0));
  CHECK(IpAddress::parse("192.0.2.77")->masked(28).text() == "192.0.2.64");
}

TEST_CASE("an endpoint is written as people write it", "[net]") {
  CHECK(net::Endpoint{*IpAddress::parse("::1"), 25, {}}.text() == "[::1]:25");
  CHECK(net::Endpoint{{}, 0, "private/auth"}.text() == "private/auth");
  sockaddr_storage storage;
  net::Endpoint too_long{{}, 0, std::string(200, 'x')};
  CHECK_FALSE(too_long.to_sockaddr(storage));
}
