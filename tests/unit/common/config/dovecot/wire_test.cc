#include "common/config/dovecot/wire.h"

#include <catch2/catch.hpp>

#include "tests/unit/common/config/dovecot/fixture.h"

using namespace mail::config::dovecot;

TEST_CASE("A request to the config service is read as written", "[dovecot]") {
  ConfigRequest request;
  request.modules = {"imap", "ssl"};
  request.exclude = {"ssl_ca"};
  request.context = {"imap", "mx.example.org", "10.0.0.1", "::1"};
  std::string line = write_request(request);
  CHECK(line ==
        "REQ\tmodule=imap\tmodule=ssl\texclude=ssl_ca\tservice=imap"
        "\tlname=mx.example.org\tlip=10.0.0.1\trip=::1\n");
  auto read = parse_request(line.substr(0, line.size() - 1));
  CHECK(read.modules == request.modules);
  CHECK(read.exclude == request.exclude);
  CHECK(read.context.service == "imap");
  CHECK(read.context.local_ip == "10.0.0.1");
  CHECK(read.context.remote_ip == "::1");
}

TEST_CASE("A reply is taken when it is whole", "[dovecot]") {
  FlatSettings values = {{"ssl_cert", "line 1\nline 2\n"}, {"passdb", "0"}};
  std::string bytes =
      write_reply("service-uses-local\t", values) + write_reply("", {});
  CHECK(bytes ==
        "service-uses-local\t\nssl_cert=line 1\x03line 2\x03\npassdb=0\n\n"
        "\n\n");
  size_t whole = bytes.size() - 2;
  for (size_t cut = 0; cut < whole; ++cut) {
    std::string_view part(bytes.data(), cut);
    CHECK_FALSE(take_reply(part));
  }
  std::string_view rest = bytes;
  auto first = take_reply(rest);
  REQUIRE(first);
  CHECK(**first == values);
  auto second = take_reply(rest);
  REQUIRE(second);
  CHECK((*second)->empty());
  CHECK(rest.empty());
}

TEST_CASE("An error of the config service is an error", "[dovecot]") {
  std::string_view bytes = "\nERROR ssl_key: Can't open file\nmore";
  auto reply = take_reply(bytes);
  REQUIRE(reply);
  REQUIRE_FALSE(*reply);
  CHECK(reply->error().what == "ssl_key: Can't open file");
  CHECK(bytes == "more");
}

TEST_CASE("Filters go over the wire and back", "[dovecot]") {
  std::vector<Filter> filters(4);
  filters[1].service = "!pop3";
  filters[1].remote = Network::parse("10.1.2.3");
  filters[2].local = Network::parse("10.0.0.0/8");
  filters[3].local_name = "a.b c.d";
  std::string bytes = write_filters(filters);
  CHECK(bytes ==
        "FILTER\n"
        "FILTER\tservice=!pop3\tremote-net=10.1.2.3/32\n"
        "FILTER\tlocal-net=10.0.0.0/8\n"
        "FILTER\tlocal-name=a.b c.d\n\n");
  std::string_view rest = bytes;
  auto read = take_filters(rest);
  REQUIRE(read);
  CHECK(**read == filters);
  Context context;
  context.service = "imap";
  CHECK(reply_flags(filters, context) ==
        "service-uses-local\tservice-uses-remote\t");
  context.local_ip = "10.2.3.4";
  context.remote_ip = "10.1.2.3";
  CHECK(reply_flags(filters, context) ==
        "service-uses-local\tservice-uses-remote\tused-local\tused-remote\t");
}
