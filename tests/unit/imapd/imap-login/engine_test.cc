#include "imapd/imap-login/engine.h"

#include <catch2/catch.hpp>

namespace mail::imap_login {
namespace {

using login::Offer;
using login::Refusal;

struct Session {
  explicit Session(Offer o = secure(), size_t piece = 1 << 20)
      : offer(std::move(o)), step(piece), engine(texts) {
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
      if (a->mechanism == "FOO") {
        engine.refuse(Refusal::UnknownMechanism, "");
      } else if (a->initial) {
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
      offer.mechanisms = {"PLAIN"};
    } else if (std::get_if<login::PlaintextRefused>(&event)) {
      ++refused;
    } else if (auto* i = std::get_if<login::Identified>(&event)) {
      for (auto& [name, value] : i->fields) {
        identified += name + "=" + value.value_or("NIL") + ";";
      }
    }
  }

  Texts texts{.greeting = "Dovecot (Debian) ready."};
  Offer offer;
  size_t step;
  Engine engine;
  bool succeed = false;
  int refused = 0;
  std::vector<std::string> asked;
  std::string closed, identified;
};

constexpr std::string_view kDialogue =
    "a CAPABILITY\r\nb ID NIL\r\nb1 ID (\"name\" \"x\" \"os\" NIL)\r\nb2 ID\r\n"
    "c NOOP\r\nc2 NOOP foo\nd ENABLE CONDSTORE\r\ne LOGIN \"\" \"a b\"\r\n"
    "f LOGIN {5}\r\nalice {3+}\r\nx\"y\r\ng AUTHENTICATE FOO\r\n"
    "h AUTHENTICATE PLAIN\r\n*\r\ni authenticate plain\r\n!!\r\n"
    "j AUTHENTICATE PLAIN AGEAYg==\r\nk LOGIN alice \"sec\r\n"
    "l LOGIN alice x{3}\r\nm LOGIN {x}\r\nn ID foo\r\no LOGIN a b c\r\n"
    "p LOGOUT foo\r\n";
constexpr std::string_view kReplies =
    "* CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ "
    "STARTTLS AUTH=PLAIN AUTH=LOGIN\r\n"
    "a OK Pre-login capabilities listed, post-login capabilities have more.\r\n"
    "* ID (\"name\" \"Dovecot\")\r\nb OK ID completed.\r\n"
    "* ID (\"name\" \"Dovecot\")\r\nb1 OK ID completed.\r\n"
    "* ID (\"name\" \"Dovecot\")\r\nb2 OK ID completed.\r\n"
    "c OK NOOP completed.\r\nc2 OK NOOP completed.\r\n"
    "* ENABLED\r\nd OK ENABLE ignored in non-authenticated state.\r\n"
    "e NO [AUTHENTICATIONFAILED] Authentication failed.\r\n"
    "+ OK\r\nf NO [AUTHENTICATIONFAILED] Authentication failed.\r\n"
    "g NO [ALERT] Unsupported authentication mechanism.\r\n"
    "+ \r\nh BAD Authentication aborted by client.\r\n"
    "+ \r\ni NO [ALERT] Invalid base64 in response\r\n"
    "j NO [AUTHENTICATIONFAILED] Authentication failed.\r\n"
    "k BAD Missing '\"'\r\nl BAD Invalid characters in atom\r\n"
    "m BAD Invalid literal size\r\nn BAD Invalid ID parameters\r\n"
    "o BAD Error in IMAP command received by server.\r\n"
    "* BYE Logging out\r\np OK Logout completed.\r\n";

TEST_CASE("IMAP before login has Dovecot's replies, however it is cut") {
  for (size_t step = 1; step < kDialogue.size() + 2; ++step) {
    Session session(Session::secure(), step);
    REQUIRE(session.say(kDialogue) == kReplies);
    CHECK(session.closed == "Aborted login by logging out");
    CHECK(session.identified == "name=x;os=NIL;");
    CHECK(session.asked ==
          std::vector<std::string>{
              "PLAIN AABhIGI=", "PLAIN AGFsaWNlAHgieQ==", "FOO none",
              "PLAIN none", "PLAIN none", "response !!", "PLAIN AGEAYg=="});
  }
}

TEST_CASE("The greeting says what is possible now") {
  Session local;
  local.engine.greet();
  CHECK(local.say("") ==
        "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE "
        "LITERAL+ STARTTLS AUTH=PLAIN AUTH=LOGIN] Dovecot (Debian) ready.\r\n");
  Session remote(Session::remote());
  remote.engine.greet();
  CHECK(remote.say("") ==
        "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE "
        "LITERAL+ STARTTLS LOGINDISABLED] Dovecot (Debian) ready.\r\n");
}

TEST_CASE("Without TLS no password is taken where none may be sent") {
  Session session(Session::remote());
  CHECK(session.say("a LOGIN alice secret\r\n") ==
        "* BAD [ALERT] Plaintext authentication not allowed without SSL/TLS, "
        "but your client did it anyway. If anyone was listening, the password "
        "was exposed.\r\na NO [PRIVACYREQUIRED] Plaintext authentication "
        "disallowed on non-secure (SSL/TLS) connections.\r\n");
  CHECK(session.refused == 1);
  CHECK(session.asked.empty());
  CHECK(session.say("b STARTTLS x\r\nc LOGIN evil x\r\n") ==
        "b OK Begin TLS negotiation now.\r\n");
  CHECK(session.say("d STARTTLS\r\ne CAPABILITY\r\n") ==
        "d BAD TLS is already active.\r\n* CAPABILITY IMAP4rev1 SASL-IR "
        "LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN\r\n"
        "e OK Pre-login capabilities listed, post-login capabilities have "
        "more.\r\n");
  CHECK(session.asked.empty());
}

TEST_CASE("What follows a login stays unread, and goes on with its tag") {
  for (size_t step : {1, 7, 1000}) {
    Session session(Session::secure(), step);
    session.succeed = true;
    session.say("a CAPABILITY\r\nb1 LOGIN a b\r\nc NOOP\r\n");
    CHECK(session.engine.handoff_prefix() == std::string("1b1\0", 4));
    session.engine.receive("d NOOP\r\n");
    CHECK(session.engine.unread().ends_with("d NOOP\r\n"));
  }
  Session session;
  session.succeed = true;
  session.say("x AUTHENTICATE PLAIN AA==\r\n");
  CHECK(session.engine.handoff_prefix() == std::string("0x\0", 3));
}

TEST_CASE("Mistakes that end the connection") {
  Session bad;
  CHECK(bad.say("x FOO\r\nx NOOP\r\nLOGIN a b\r\nx FOO\r\na+ NOOP\r\ny NOOP\r\n") ==
        "x BAD Error in IMAP command received by server.\r\n"
        "x OK NOOP completed.\r\n"
        "LOGIN BAD First parameter in line is IMAP's command tag, not the "
        "command name. Add that before the command, like: a login user "
        "pass\r\nx BAD Error in IMAP command received by server.\r\n"
        "* BYE Too many invalid IMAP commands.\r\n");
  CHECK(bad.closed == "Too many invalid commands");
  Session full;
  CHECK(full.say("a LOGIN " + std::string(1100, 'a') + " b\r\n") ==
        "* BYE Input buffer full, aborting\r\n");
  CHECK(full.closed == "Input buffer full");
  Session literal;
  CHECK(literal.say("b LOGIN {70000+}\r\n") ==
        "* BYE Literal size too large\r\n");
  Session response;
  response.say("a AUTHENTICATE PLAIN\r\n");
  CHECK(response.say(std::string(9000, 'a')).empty());
  CHECK(response.closed == "Authentication response too large");
  Session empty;
  CHECK(empty.say("\r\na  NOOP\r\n") ==
        "* BAD Error in IMAP command received by server.\r\n"
        "a BAD Error in IMAP command received by server.\r\n");
}

TEST_CASE("A long initial response is taken") {
  Session session;
  session.say("a AUTHENTICATE PLAIN " + std::string(6000, 'A') + "\r\n");
  REQUIRE(session.asked.size() == 1);
  CHECK(session.asked[0].size() == 6006);
}

}  // namespace
}  // namespace mail::imap_login
