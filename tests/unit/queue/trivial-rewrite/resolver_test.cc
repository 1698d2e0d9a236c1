#include "queue/trivial-rewrite/resolver.h"

#include <catch2/catch.hpp>

#include "common/net/loop.h"
#include "tests/unit/common/config/fixture.h"

namespace mail::rewrite {

namespace flag = ipc::resolve_flag;

namespace {

constexpr char kMain[] =
    "inet_interfaces = 192.0.2.77\n"
    "mydestination = mx.example.org, localhost\n"
    "virtual_alias_domains = alias.example\n"
    "virtual_mailbox_domains = box.example\n"
    "relay_domains = relay.example\n";

ipc::ResolveReply ask(const std::string& more, std::string sender,
                      std::string address,
                      Resolver::Use use = Resolver::Use::Deliver) {
  config::Fixture fixture(kMain + more);
  auto settings = fixture.load();
  REQUIRE(settings);
  net::Loop loop;
  auto resolver = Resolver::open(**settings, {});
  REQUIRE(resolver);
  return loop.run(
      (*resolver)->resolve(use, std::move(sender), std::move(address)));
}

std::string route(const std::string& more, std::string address,
                  std::string sender = "s@sender.example") {
  auto reply = ask(more, std::move(sender), std::move(address));
  return reply.transport + '|' + reply.nexthop + '|' + reply.recipient + '|' +
         std::to_string(reply.flags);
}

}  // namespace

TEST_CASE("Each address class has its route", "[rewrite]") {
  CHECK(route("", "a@mx.example.org") ==
        "local|mx.example.org|a@mx.example.org|256");
  CHECK(route("", "a") == "local|mx.example.org|a@mx.example.org|256");
  CHECK(route("", "a@[192.0.2.77]") ==
        "local|mx.example.org|a@[192.0.2.77]|256");
  CHECK(route("", "a@alias.example") ==
        "error|5.1.1 User unknown in virtual alias table|a@alias.example|512");
  CHECK(route("show_user_unknown_table_name = no\n", "a@alias.example") ==
        "error|5.1.1 User unknown|a@alias.example|512");
  CHECK(route("", "a@box.example") == "virtual|box.example|a@box.example|1024");
  CHECK(route("", "a@sub.relay.example") ==
        "relay|sub.relay.example|a@sub.relay.example|2048");
  CHECK(route("", "a@far.example") == "smtp|far.example|a@far.example|4096");
  CHECK(route("", "") ==
        "local|mx.example.org|MAILER-DAEMON@mx.example.org|256");
}

TEST_CASE("Routes inside local parts are followed", "[rewrite]") {
  CHECK(route("", "a%far.example@localhost") ==
        "smtp|far.example|a@far.example|4096");
  CHECK(route("", "a@far.example@localhost") ==
        "smtp|far.example|a@far.example|4096");
  CHECK(route("", "a%b@far.example") ==
        "smtp|far.example|a%b@far.example|4098");
  CHECK(route("allow_percent_hack = no\n", "a%b@localhost") ==
        "local|mx.example.org|a%b@localhost|258");
}

TEST_CASE("What is no address is refused", "[rewrite]") {
  auto flags = [](const std::string& more, std::string address) {
    return ask(more, "", std::move(address)).flags;
  };
  CHECK(flags("", "a@") == 4100);
  CHECK(flags("resolve_null_domain = yes\n", "a@") == 256);
  CHECK(flags("", "a@192.0.2.1") == 4100);
  CHECK(flags("resolve_numeric_domain = yes\n", "a@192.0.2.1") == 4096);
  CHECK(flags("", "-a@far.example") == 4100);
  CHECK(flags("allow_min_user = yes\n", "-a@far.example") == 4096);
  CHECK(flags("", "a@[300.1.1.1]") == 4100);
  CHECK(flags("", "a@[::1]") == 4100);
  CHECK(flags("", "a@[IPv6:::1]") == 4096);
  CHECK(flags("", "a@b..c") == 4100);
}

TEST_CASE("relayhost and sender-dependent routes", "[rewrite]") {
  CHECK(route("relayhost = [hub.example]\n", "a@far.example") ==
        "smtp|[hub.example]|a@far.example|4096");
  CHECK(route("default_transport = smtp:[x.example]\nrelayhost = y\n",
              "a@far.example") == "smtp|[x.example]|a@far.example|4096");
  std::string by_sender =
      "sender_dependent_relayhost_maps = inline:{@sender.example=[mine]}\n"
      "sender_dependent_default_transport_maps = "
      "inline:{{s@sender.example=slow:}, {<>=null:}}\n";
  CHECK(route(by_sender, "a@far.example") == "slow|[mine]|a@far.example|4096");
  CHECK(route(by_sender, "a@far.example", "") ==
        "null|far.example|a@far.example|4096");
}

TEST_CASE("transport_maps and relocated_maps", "[rewrite]") {
  std::string table =
      "transport_maps = inline:{{u@far.example=one:[h]}, {far.example=two:}, "
      "{.far.example=:[up]}, {gone.example=error:}, {same.example=:}, "
      "{*=star:}}\nrelocated_maps = inline:{old@mx.example.org=new@x}\n";
  CHECK(route(table, "u@far.example") == "one|[h]|u@far.example|4096");
  CHECK(route(table, "v@far.example") == "two|far.example|v@far.example|4096");
  CHECK(route(table, "v@a.far.example") == "smtp|[up]|v@a.far.example|4096");
  CHECK(route(table, "v@gone.example") ==
        "error|Address is undeliverable|v@gone.example|4096");
  CHECK(route(table, "v@same.example") ==
        "smtp|same.example|v@same.example|4096");
  CHECK(route(table, "v@else.example") ==
        "star|else.example|v@else.example|4096");
  CHECK(route(table, "old@mx.example.org") ==
        "error|5.1.6 User has moved to new@x|old@mx.example.org|256");
}

TEST_CASE("A table that fails is no answer", "[rewrite]") {
  CHECK(ask("transport_maps = fail:x\n", "", "a@far.example").flags &
        flag::kFail);
  CHECK(ask("address_verify_relayhost = [v]\n", "", "a@far.example",
            Resolver::Use::Verify)
            .nexthop == "[v]");
}

}  // namespace mail::rewrite
