#include "delivery/smtp/session.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "delivery/smtp/parked.h"

using namespace mail;
using smtpc::Parked;
using smtpc::Session;

namespace {

smtpc::Server server() {
  smtpc::Server out;
  out.name = "mx.example";
  out.where.address = *net::IpAddress::parse("2001:db8::1");
  out.where.port = 25;
  return out;
}

smtp::ClientReply reply(smtp::Stage stage, std::string_view wire) {
  smtp::ReplyParser parser;
  parser.feed(wire);
  REQUIRE(parser.complete());
  smtp::ClientReply out;
  out.stage = stage;
  out.reply = parser.take();
  return out;
}

}  // namespace

TEST_CASE("a refusal becomes a DSN in the server's words", "[smtpc]") {
  smtpc::Config config;
  Session session(config, server());
  auto why = session.refused(
      reply(smtp::Stage::Rcpt, "550-5.1.1 no\r\n550 5.1.1 such user\r\n"));
  CHECK(why.dsn.status == "5.1.1");
  CHECK(why.dsn.reason ==
        "host mx.example[2001:db8::1] said: 550-5.1.1 no 550 5.1.1 such user "
        "(in reply to RCPT TO command)");
  CHECK(why.dsn.diag_type == "smtp");
  CHECK(why.dsn.diag_text == "550-5.1.1 no 550 5.1.1 such user");
  CHECK(why.dsn.mta_type == "dns");
  CHECK(why.dsn.mta_mname == "mx.example");
  CHECK(session.refused(reply(smtp::Stage::Data, "451 later\r\n")).dsn.status ==
        "4.0.0");
  CHECK(session.refused(reply(smtp::Stage::Mail, "199 what\r\n")).dsn.status ==
        "5.5.0");
  CHECK(session.refused(reply(smtp::Stage::Greeting, "554 5.3.2 closed\r\n"))
            .dsn.reason ==
        "host mx.example[2001:db8::1] refused to talk to me: 554 5.3.2 "
        "closed");
}

TEST_CASE("a connection that waits can be taken up again", "[smtpc]") {
  Parked parked;
  parked.server = server();
  parked.can = smtp::parse_capabilities(
      "mx.example\nPIPELINING\nSIZE 1000\nAUTH PLAIN LOGIN\nXFORWARD NAME "
      "ADDR");
  parked.uses = 3;
  parked.since = 1700000000;
  auto again = Parked::parse(parked.text());
  REQUIRE(again);
  CHECK(again->server.relay() == parked.server.relay());
  CHECK(again->can.bits == parked.can.bits);
  CHECK(again->can.size_limit == 1000);
  CHECK(again->can.auth_mechanisms == parked.can.auth_mechanisms);
  CHECK(again->can.has_xforward("ADDR"));
  CHECK(again->uses == 3);
  CHECK(again->since == 1700000000);
  CHECK(Parked::parse(parked.text() + "later=1\n"));
}

TEST_CASE("what another program has left is not understood", "[smtpc]") {
  for (auto text :
       {"", "x", "host=h\n", "host=h\naddress=1.2.3.4\nport=25\n",
        "host=h\naddress=nowhere\nport=25\nsince=1\n",
        "host=h\naddress=1.2.3.4\nport=99999\nsince=1\n",
        "tls_level=1\nreuse_count=0\nendpoint_features=2129935\n"}) {
    CAPTURE(text);
    CHECK_FALSE(Parked::parse(text));
  }
}

TEST_CASE("a connection that is too old is not taken up", "[smtpc]") {
  smtpc::Config config;
  Parked parked;
  parked.server = server();
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  UniqueFd peer(ends[1]);
  parked.since = WallClock::to_time_t(WallClock::now()) - 400;
  CHECK_FALSE(Session::resume(config, parked.text(), UniqueFd(ends[0])));
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  peer.reset(ends[1]);
  parked.since += 300;
  auto session = Session::resume(config, parked.text(), UniqueFd(ends[0]));
  REQUIRE(session);
  CHECK(session->usable());
  CHECK(session->engine().outstanding() == 0);
  peer.reset();
  CHECK_FALSE(session->usable());
}
