#include <catch2/catch.hpp>

#include "pop3d/pop3-login/engine.h"

namespace mail::pop3_login {
namespace {

using login::Offer;
using login::Refusal;

struct Session {
  explicit Session(Offer o = secure(), size_t piece = 1 << 20)
      : offer(std::move(o)), step(piece), engine(greeting) {
    engine.set_offer(&offer);
  }
  static Offer secure() {
    Offer offer;
    offer.starttls = true;
    offer.mechanisms = {"PLAIN", "LOGIN"};
    return offer;
  }
  static Offer remote() {
    Offer offer;
    offer.starttls = true;
    offer.plaintext = false;
    return offer;
  }

  std::string say(std::string_view input) {
    std::string out;
    do {
      auto taken = engine.receive(input.substr(0, step));
      input.remove_prefix(taken);
      while (auto event = engine.next_event()) on(*event);
      out += engine.pending();
      engine.sent(engine.pending().size());
      if (!taken) break;
    } while (!input.empty() && closed.empty());
    return out;
  }
  void on(const login::Event& event) {
    if (auto* a = std::get_if<login::Authenticate>(&event)) {
      asked.push_back(a->mechanism + " " + a->initial.value_or("none"));
      if (succeed) return;
      if (a->initial) {
        engine.refuse(Refusal::Failed, "");
      } else {
        engine.challenge("");
      }
    } else if (auto* r = std::get_if<login::Response>(&event)) {
      asked.push_back("response " + r->text);
      engine.refuse(Refusal::InvalidBase64, "");
    } else if (auto* c = std::get_if<login::Closed>(&event)) {
      closed = c->reason;
    } else if (std::get_if<login::StartTls>(&event)) {
      engine.tls_started();
      offer.tls = true;
      offer.plaintext = true;
    } else if (std::get_if<login::PlaintextRefused>(&event)) {
      ++refused;
    }
  }

  std::string greeting = "Dovecot (Debian) ready.";
  Offer offer;
  size_t step;
  Engine engine;
  bool succeed = false;
  int refused = 0;
  std::vector<std::string> asked;
  std::string closed;
};

constexpr std::string_view kDialogue =
    "CAPA foo\r\nPASS x\r\nUSER alice\r\nUSER bob\r\nPASS a b\r\nPASS x\r\n"
    "AUTH\r\nAUTH PLAIN\r\n*\r\nauth plain\r\n!!\r\nAUTH PLAIN AGEAYg==\r\n"
    "XCLIENT ADDR=1.2.3.4\r\nAPOP a b\r\nNOOP\r\nQUIT foo\r\n";
constexpr std::string_view kReplies =
    "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\n"
    "AUTH-RESP-CODE\r\nSTLS\r\nUSER\r\nSASL PLAIN LOGIN\r\n.\r\n"
    "-ERR No username given.\r\n+OK\r\n+OK\r\n"
    "-ERR [AUTH] Authentication failed.\r\n-ERR No username given.\r\n"
    "+OK\r\nPLAIN\r\nLOGIN\r\n.\r\n"
    "+ \r\n-ERR Authentication aborted by client.\r\n"
    "+ \r\n-ERR [AUTH] Invalid base64 in response\r\n"
    "-ERR [AUTH] Authentication failed.\r\n"
    "+OK You are not from trusted IP - ignoring\r\n"
    "-ERR APOP not enabled.\r\n-ERR Unknown command.\r\n+OK Logging out\r\n";

TEST_CASE("POP3 before login has Dovecot's replies, however it is cut") {
  for (size_t step = 1; step < kDialogue.size() + 2; ++step) {
    Session session(Session::secure(), step);
    REQUIRE(session.say(kDialogue) == kReplies);
    CHECK(session.closed == "Aborted login by logging out");
    CHECK(session.asked == std::vector<std::string>{
                               "PLAIN AGJvYgBhIGI=", "PLAIN none", "PLAIN none",
                               "response !!", "PLAIN AGEAYg=="});
  }
}

TEST_CASE("Without TLS no password is taken where none may be sent") {
  Session session(Session::remote());
  CHECK(session.say("USER alice\r\nPASS secret\r\n") ==
        "-ERR [AUTH] Plaintext authentication disallowed on non-secure "
        "(SSL/TLS) connections.\r\n-ERR [AUTH] Plaintext authentication "
        "disallowed on non-secure (SSL/TLS) connections.\r\n");
  CHECK(session.refused == 2);
  CHECK(session.asked.empty());
  CHECK(session.say("STLS\r\nUSER evil\r\n") ==
        "+OK Begin TLS negotiation now.\r\n");
  CHECK(session.say("PASS x\r\nSTLS\r\n") ==
        "-ERR No username given.\r\n-ERR TLS is already active.\r\n");
}

TEST_CASE("What follows a login stays unread") {
  Session session;
  session.succeed = true;
  CHECK(session.say("USER a\r\nPASS b\r\nSTAT\r\nQUIT\r\n") == "+OK\r\n");
  CHECK(session.engine.handoff_prefix().empty());
  CHECK(session.engine.unread() == "STAT\r\nQUIT\r\n");
}

TEST_CASE("Three unknown commands, or too long a line, end it") {
  Session session;
  CHECK(session.say("a\r\nb\r\nCAPAX\r\nQUIT\r\n") ==
        "-ERR Unknown command.\r\n-ERR Unknown command.\r\n"
        "-ERR Unknown command.\r\n-ERR Too many invalid bad commands.\r\n");
  CHECK(session.closed == "Disconnected: Too many bad commands");
  Session longer;
  CHECK(longer.say(std::string(2000, 'a')) ==
        "-ERR Input buffer full, aborting\r\n");
  CHECK(longer.closed == "Input buffer full");
  Session response;
  response.say("AUTH PLAIN\r\n");
  CHECK(response.say(std::string(9000, 'a')).empty());
  CHECK(response.closed == "Authentication response too large");
}

TEST_CASE("A long initial response is taken") {
  Session session;
  session.say("AUTH PLAIN " + std::string(6000, 'A') + "\r\n");
  REQUIRE(session.asked.size() == 1);
  CHECK(session.asked[0].size() == 6006);
}

}  // namespace
}  // namespace mail::pop3_login
