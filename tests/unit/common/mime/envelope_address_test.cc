#include "common/mime/envelope_address.h"

#include <catch2/catch.hpp>

#include "common/imap/envelope.h"

using namespace mail;

namespace {
/// To as an ENVELOPE shows it.
std::string shown(std::string_view value) {
  mime::EnvelopeFields fields;
  fields.to = std::string(value);
  std::string out;
  imap::put_envelope(out, fields.view());
  constexpr std::string_view kBefore = "(NIL NIL NIL NIL NIL ";
  constexpr std::string_view kAfter = " NIL NIL NIL NIL)";
  REQUIRE(out.starts_with(kBefore));
  return out.substr(kBefore.size(),
                    out.size() - kBefore.size() - kAfter.size());
}
}  // namespace

TEST_CASE("addresses read as the original reads them", "[envelope]") {
  // Left: the header; right: what Debian's dovecot answers.
  const std::pair<const char*, const char*> cases[] = {
      {"\"Doe, John\" <john@example.org>",
       "((\"Doe, John\" NIL \"john\" \"example.org\"))"},
      {"undisclosed-recipients:;",
       "((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL))"},
      {"<x y@z>, a@b", "((NIL NIL \"x\" \"SYNTAX_ERROR\"))"},
      {"<>, a@b",
       "((NIL NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\")(NIL NIL \"a\" "
       "\"b\"))"},
      {"\"abc\", a@b",
       "((\"abc\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\")(NIL NIL \"a\" "
       "\"b\"))"},
      {"@foo, a@b",
       "((NIL NIL \"MISSING_MAILBOX\" \"foo\")(NIL NIL \"a\" \"b\"))"},
      {"foo, a@b",
       "((NIL NIL \"foo\" \"MISSING_DOMAIN\")(NIL NIL \"a\" \"b\"))"},
      {"a b c@d.e, a@b",
       "((\"a b c\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\"))"},
      {"a@b@c, a@b", "((NIL NIL \"a\" \"b\"))"},
      {"a@[1.2.3.4], \"x y\"@z",
       "((NIL NIL \"a\" \"[1.2.3.4]\")(NIL NIL \"x y\" \"z\"))"},
      {"a.@b, .a@c", "((NIL NIL \"a.\" \"b\")(NIL NIL \".a\" \"c\"))"},
      {"Foo <a@b", "((\"Foo\" NIL \"a\" \"SYNTAX_ERROR\"))"},
      {"Foo a@b>", "((\"Foo a\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\"))"},
      {"(only comment)", "NIL"},
      {"a@b (one) (two)", "((\"two\" NIL \"a\" \"b\"))"},
      {"(pre) Foo (mid) Bar <a@b> (post)", "((\"Foo Bar\" NIL \"a\" \"b\"))"},
      {"g1:;, g2: a@b;, c@d",
       "((NIL NIL \"g1\" NIL)(NIL NIL NIL NIL)(NIL NIL \"g2\" NIL)(NIL NIL "
       "\"a\" \"b\")(NIL NIL NIL NIL)(NIL NIL \"c\" \"d\"))"},
      {"g1: a@b, c@d",
       "((NIL NIL \"g1\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")(NIL "
       "NIL NIL NIL))"},
      {"\"a\" \"b\" <c@d>, A.B. <e@f>",
       "((\"a b\" NIL \"c\" \"d\")(\"A.B.\" NIL \"e\" \"f\"))"},
      {"a@b;c@d", "((NIL NIL \"a\" \"b\"))"},
      {"<@a:b@c>, <@a@b:b@c>",
       "((NIL \"@a\" \"b\" \"c\")(NIL \"@a,@b\" \"b\" \"c\"))"},
      {"Foo: Bar <a@b>;",
       "((NIL NIL \"Foo\" NIL)(\"Bar\" NIL \"a\" \"b\")(NIL NIL NIL NIL))"},
      {"<a@b> Foo", "((NIL NIL \"a\" \"b\"))"},
      {"a@ b . c, d @e", "((NIL NIL \"a\" \"b.c\")(NIL NIL \"d\" \"e\"))"},
      {"a@b,,c@d,",
       "((NIL NIL \"a\" \"b\")(NIL NIL \"MISSING_MAILBOX\" "
       "\"MISSING_DOMAIN\")(NIL NIL \"c\" \"d\"))"},
      {"Foo\n Bar\tBaz <a@b>", "((\"Foo Bar Baz\" NIL \"a\" \"b\"))"},
      {"\"x\\\"y\" <a@b>", "(({3}\r\nx\"y NIL \"a\" \"b\"))"},
      {"\"Foo  Bar\" <\"a b\"@c>", "(({7}\r\nFoo Bar NIL \"a b\" \"c\"))"},
      {"[x] <a@b>", "((NIL NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\"))"},
      {"a@b.", "((NIL NIL \"a\" \"MISSING_DOMAIN\"))"},
      {"  ", "NIL"},
      {"root", "((NIL NIL \"root\" \"MISSING_DOMAIN\"))"},
      {"Foo <root>", "((\"Foo\" NIL \"root\" \"MISSING_DOMAIN\"))"},
      {"MAILER-DAEMON (Mail System)",
       "((\"Mail System\" NIL \"MAILER-DAEMON\" \"MISSING_DOMAIN\"))"},
      {"<foo@>", "((NIL NIL \"foo\" \"SYNTAX_ERROR\"))"},
      {"foo@", "((NIL NIL \"foo\" \"MISSING_DOMAIN\"))"},
      {"a@b <c@d>", "((NIL NIL \"a\" \"b\"))"},
      {"Group: (comment) ;", "((NIL NIL \"Group\" NIL)(NIL NIL NIL NIL))"},
  };
  for (const auto& [header, answer] : cases) {
    INFO(header);
    CHECK(shown(header) == answer);
  }
}

TEST_CASE("what cannot be quoted is a literal", "[envelope]") {
  auto subject = [](std::string_view value) {
    mime::EnvelopeFields fields;
    fields.subject = std::string(value);
    std::string out;
    imap::put_envelope(out, fields.view());
    return out.substr(5, out.size() - 5 - 33);
  };
  CHECK(subject("simple") == "\"simple\"");
  CHECK(subject("two  spaces") == "{10}\r\ntwo spaces");
  CHECK(subject("folded\n x") == "{8}\r\nfolded x");
  CHECK(subject("quote\"x") == "{7}\r\nquote\"x");
  CHECK(subject("percent%") == "\"percent%\"");
}
