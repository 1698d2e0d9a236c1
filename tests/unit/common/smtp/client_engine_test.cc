#include "common/smtp/client_engine.h"

#include <catch2/catch.hpp>

using namespace mail::smtp;

namespace {

std::string take(ClientEngine& engine) {
  std::string out(engine.pending());
  engine.sent(out.size());
  return out;
}

/// Feeds byte by byte; returns how many replies came.
size_t feed(ClientEngine& engine, std::string_view bytes,
            std::vector<ClientReply>* replies = nullptr) {
  size_t count = 0;
  for (char c : bytes) {
    engine.receive({&c, 1});
    while (auto reply = engine.next_reply()) {
      ++count;
      if (replies != nullptr) replies->push_back(*std::move(reply));
    }
  }
  return count;
}

ClientEngine greeted(Protocol protocol = Protocol::Smtp) {
  ClientEngine::Limits limits;
  limits.protocol = protocol;
  ClientEngine engine(limits);
  CHECK(engine.stage() == Stage::Greeting);
  feed(engine, "220 host ESMTP\r\n");
  engine.ehlo("me");
  take(engine);
  feed(engine,
       "250-host hello\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n"
       "250-AUTH=LOGIN\r\n250-AUTH PLAIN CRAM-MD5\r\n"
       "250-XFORWARD NAME ADDR\r\n250 DSN\r\n");
  return engine;
}

}  // namespace

TEST_CASE("The client reads capabilities", "[smtp]") {
  ClientEngine engine = greeted();
  const Capabilities& found = engine.capabilities();
  CHECK(found.host == "host");
  CHECK(found.size_limit == 1000);
  CHECK(found.has(kPipelining));
  CHECK_FALSE(found.has(kStartTls));
  CHECK(found.auth_mechanisms == "LOGIN PLAIN CRAM-MD5");
  CHECK(found.has_xforward("ADDR"));
  CHECK_FALSE(found.has_xforward("PORT"));
  CHECK(parse_capabilities("h\nPIPELINING\nDSN", kPipelining).bits == kDsn);
}

TEST_CASE("A pipelined transaction", "[smtp]") {
  ClientEngine engine = greeted();
  MailOptions mail;
  mail.size = 10;
  mail.body = BodyType::EightBit;
  mail.ret = DsnReturn::Headers;
  engine.mail("a b@c", mail);
  RcptOptions rcpt;
  rcpt.orcpt = "rfc822;x@y";
  rcpt.notify = kNotifySuccess | kNotifyFailure;
  engine.rcpt("x@y", rcpt);
  engine.rcpt("z@y", {});
  engine.data();
  CHECK(take(engine) ==
        "MAIL FROM:<\"a b\"@c> SIZE=10 BODY=8BITMIME RET=HDRS\r\n"
        "RCPT TO:<x@y> ORCPT=rfc822;x@y NOTIFY=SUCCESS,FAILURE\r\n"
        "RCPT TO:<z@y>\r\nDATA\r\n");
  CHECK(stage_name(engine.stage()) == "sending MAIL FROM");
  std::vector<ClientReply> replies;
  feed(engine, "250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n", &replies);
  REQUIRE(replies.size() == 4);
  CHECK(replies[1].stage == Stage::Rcpt);
  CHECK(replies[1].recipient == 0);
  CHECK(replies[2].recipient == 1);
  engine.body_text("x\n.y\n");
  CHECK(stage_name(engine.stage()) == "sending message body");
  engine.end_of_data();
  CHECK(take(engine) == "x\r\n..y\r\n.\r\n");
  CHECK(stage_name(engine.stage()) ==
        "sending end of data -- message may be sent more than once");
  CHECK(feed(engine, "250 2.0.0 Ok\r\n") == 1);
  engine.quit();
  CHECK(take(engine) == "QUIT\r\n");
  CHECK(command_name(engine.stage()) == "QUIT command");
}

TEST_CASE("LMTP: replies only of accepted recipients", "[smtp]") {
  ClientEngine engine = greeted(Protocol::Lmtp);
  engine.mail("", {});
  for (int i = 0; i < 3; ++i) engine.rcpt("x@y", {});
  engine.data();
  feed(engine, "250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n");
  engine.end_of_data();
  std::vector<ClientReply> replies;
  feed(engine, "250 one\r\n452 two\r\n", &replies);
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].recipient == 0);
  CHECK(replies[1].recipient == 2);
  CHECK(engine.outstanding() == 0);
}

TEST_CASE("What nobody asked for is seen", "[smtp]") {
  ClientEngine engine = greeted();
  CHECK_FALSE(engine.unsolicited());
  engine.receive("421 bye\r\n");
  CHECK_FALSE(engine.next_reply());
  CHECK(engine.unsolicited());
}

TEST_CASE("After STARTTLS all is forgotten", "[smtp]") {
  ClientEngine engine = greeted();
  engine.start_tls();
  take(engine);
  engine.receive("220 go\r\n250 injected\r\n");
  CHECK(engine.next_reply()->reply.code == 220);
  engine.tls_started();
  CHECK(engine.capabilities().bits == 0);
  engine.ehlo("me");
  CHECK_FALSE(engine.next_reply());
}
