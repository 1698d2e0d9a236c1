#include "lmtp/path.h"

#include <catch2/catch.hpp>

#include "lmtp/replies.h"

namespace mail::lmtp {
namespace {

std::string refused(std::string_view line, PathKind kind) {
  smtp::Reply reply;
  if (parse_path_command(line, kind, reply)) return "accepted";
  return reply.line();
}

PathCommand accepted(std::string_view line, PathKind kind) {
  smtp::Reply reply;
  auto path = parse_path_command(line, kind, reply);
  REQUIRE(path);
  return *path;
}

TEST_CASE("Paths that Dovecot takes are taken") {
  CHECK(accepted("MAIL FROM:<>", PathKind::From).address.empty());
  auto mail = accepted("mail from:<a@b> BODY=8BITMIME", PathKind::From);
  CHECK(mail.address == "a@b");
  CHECK(mail.eight_bit);
  CHECK(accepted("MAIL FROM:<\"a b\"@c>", PathKind::From).local == "a b");
  auto bob = accepted("RCPT TO:<bob>", PathKind::To);
  CHECK(bob.local == "bob");
  CHECK(bob.domain.empty());
  CHECK(accepted("RCPT TO:<@foo:bob>", PathKind::To).address == "bob");
  CHECK(accepted("RCPT TO:<\"bo\\\"b\">", PathKind::To).local == "bo\"b");
  auto orcpt = accepted("RCPT TO:<b@c> ORCPT=rfc822;x+2By@z", PathKind::To);
  CHECK(orcpt.orcpt == "x+y@z");
}

TEST_CASE("Other paths are refused in Dovecot's words") {
  const std::pair<const char*, const char*> from[] = {
      {"MAIL FROM: <a@b>",
       "501 5.5.4 Invalid FROM: Unexpected whitespace before path"},
      {"MAIL FROM:<a@b", "501 5.5.4 Invalid FROM: Missing '>' at end of path"},
      {"MAIL FROM:a@b",
       "501 5.5.4 Invalid FROM: Missing '<' at beginning of path"},
      {"MAIL", "501 5.5.4 Invalid parameters"},
      {"MAIL FROM:<a@b> SIZE=10", "555 5.5.4 Unsupported parameters"},
      {"MAIL FROM:<a@b> SMTPUTF8", "555 5.5.4 Unsupported parameters"},
      {"MAIL FROM:<a@b> BODY=BINARYMIME",
       "555 5.5.4 Unsupported mail BODY type"},
  };
  for (auto& [line, reply] : from)
    CHECK(refused(line, PathKind::From) == reply);
  const std::pair<const char*, const char*> to[] = {
      {"RCPT TO:<>", "501 5.5.4 Invalid TO: Null path not allowed"},
      {"RCPT TO:<b ob>", "501 5.5.4 Invalid TO: Missing '>' at end of path"},
      {"RCPT TO:<bob@>", "501 5.5.4 Invalid TO: Missing domain after '@'"},
      {"RCPT TO:bob", "501 5.5.4 Invalid TO: Missing '<' at beginning of path"},
      {"RCPT FOO", "501 5.5.4 Invalid parameters"},
      {"RCPT TO:<bob> NOTIFY=NEVER", "555 5.5.4 Unsupported parameters"},
  };
  for (auto& [line, reply] : to) CHECK(refused(line, PathKind::To) == reply);
}

TEST_CASE("The detail is taken off the user's name") {
  auto split = [](std::string_view line, std::string_view delimiter) {
    auto out = split_detail(accepted(line, PathKind::To), delimiter);
    return out.user + " " + out.detail;
  };
  CHECK(split("RCPT TO:<bob+box@d>", "+") == "bob@d box");
  CHECK(split("RCPT TO:<bob+a+b>", "+") == "bob a+b");
  CHECK(split("RCPT TO:<bob-box+x@d>", "+-") == "bob@d box+x");
  CHECK(split("RCPT TO:<bob+box@d>", "") == "bob+box@d ");
  CHECK(split("RCPT TO:<bob@d>", "+") == "bob@d ");
}

TEST_CASE("Commands out of turn get Dovecot's replies") {
  using smtp::Verb;
  smtp::Reply sequence(503, "5.5.1", "x"), syntax(501, "5.5.4", "x");
  CHECK(refusal(Verb::Lhlo, "LHLO", syntax, false).line() ==
        "501 Missing hostname");
  CHECK(refusal(Verb::Mail, "MAIL FROM:<a@b>", sequence, true).line() ==
        "503 5.5.0 MAIL already given");
  CHECK(refusal(Verb::Rcpt, "RCPT TO:<a@b>", sequence, false).line() ==
        "503 5.5.0 MAIL needed first");
  CHECK(refusal(Verb::Data, "DATA", sequence, false).line() ==
        "503 5.5.0 MAIL needed first");
  CHECK(refusal(Verb::Data, "DATA", sequence, true).line() ==
        "503 5.5.0 No valid recipients");
  CHECK(refusal(Verb::Data, "DATA x", syntax, true).line() ==
        "501 5.5.4 Invalid parameters");
  CHECK(refusal(Verb::Bdat, "BDAT x", syntax, true).line() ==
        "501 5.5.4 Invalid chunk size parameter");
  CHECK(refusal(Verb::Auth, "AUTH PLAIN", syntax, false).line() ==
        "502 5.5.1 Unsupported command");
  CHECK(refusal(Verb::Unknown, "XCLIENT ADDR=1", syntax, false).line() ==
        "550 5.7.14 You are not from trusted IP");
  CHECK(refusal(Verb::Unknown, "EHLO x", syntax, false).line() ==
        "500 5.5.1 Unknown command");
}

}  // namespace
}  // namespace mail::lmtp
