#include "common/smtp/transcript.h"

#include <catch2/catch.hpp>

using namespace mail::smtp;

TEST_CASE("a transcript shows who said what", "[smtp]") {
  Transcript t;
  t.out("220 hi");
  t.in("EHLO me");
  t.out("250-hi\n250 PIPELINING");
  CHECK(t.lines() == 4);
  CHECK(t.text() ==
        " Out: 220 hi\n In:  EHLO me\n Out: 250-hi\n Out: 250 PIPELINING\n");
  t.clear();
  CHECK(t.text().empty());
}

TEST_CASE("long lines of a transcript are folded at blanks", "[smtp]") {
  Transcript t;
  t.in(
      "RCPT TO:<bxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
      "yyyyyyyyyyyyyyyyyyyyyy zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz "
      "wwwwwwwwww@far.example>");
  CHECK(t.text() ==
        " In:  RCPT TO:<bxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
        "yyyyyyyyyyyyyyyyyyyyyy\n"
        "     zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz wwwwwwwwww@far.example>\n");
  t.clear();
  t.in(std::string(200, 'x'));
  CHECK(t.text() == " In:  " + std::string(200, 'x') + "\n");
}

TEST_CASE("a transcript does not grow for ever", "[smtp]") {
  Transcript t;
  for (int i = 0; i < 2000; ++i) t.in(std::string(5000, 'x'));
  CHECK(t.text().size() <= Transcript::kLimit + 1000);
  t.in("last");
  CHECK(t.text().ends_with(" In:  last\n"));
}

TEST_CASE("notify_classes are bits", "[smtp]") {
  CHECK(parse_notify_classes("") == 0);
  CHECK(parse_notify_classes("resource, software") ==
        (kNotifyResource | kNotifySoftware));
  CHECK(parse_notify_classes("Protocol 2bounce what") ==
        (kNotifyProtocol | kNotifyTwoBounce));
}

TEST_CASE("a letter says why the session ended early", "[smtp]") {
  Transcript t;
  t.in("FOO");
  TranscriptLetter letter;
  letter.host = "mx.example";
  letter.recipient = "postmaster";
  letter.subject = "S";
  std::string head =
      "From: Mail Delivery System <MAILER-DAEMON@mx.example>\n"
      "To: Postmaster <postmaster>\nSubject: S\n\n"
      "Transcript of session follows.\n\n In:  FOO\n\n";
  std::string end = "\nFor other details, see the local mail logfile\n";
  CHECK(format_letter(letter, t) == head + end);
  letter.reason = "lost connection";
  CHECK(format_letter(letter, t) ==
        head + "Session aborted, reason: lost connection\n" + end);
}
