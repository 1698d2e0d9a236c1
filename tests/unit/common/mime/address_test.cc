#include "common/mime/address.h"

#include <catch2/catch.hpp>

using namespace mail::mime;

TEST_CASE("Local parts are quoted where the grammar asks for it", "[mime]") {
  CHECK(quote_local("a@x.org") == "a@x.org");
  CHECK(quote_local("") == "");
  CHECK(quote_local("a b@x.org") == "\"a b\"@x.org");
  CHECK(quote_local("a..b@x.org") == "\"a..b\"@x.org");
  CHECK(quote_local("a@b@c") == "\"a@b\"@c");
  CHECK(quote_local("q\"u\\o@c") == "\"q\\\"u\\\\o\"@c");
  CHECK(quote_local("@h") == "\"\"@h");
  CHECK(quote_local("postmaster") == "postmaster");
  CHECK(quote_local("\xc3\xa9@x") == "\xc3\xa9@x");
}

TEST_CASE("Unquoting is the reverse of quoting", "[mime]") {
  for (std::string internal : {"a@x", "a b@x", ".a@x", "a@b@c", "q\"\\@c"}) {
    CHECK(unquote_local(quote_local(internal)) == internal);
  }
  CHECK(unquote_local("a\\ b@x") == "a b@x");
  CHECK(unquote_local("\"a\"b@x") == "ab@x");
}

TEST_CASE("Extensions are split at the first delimiter", "[mime]") {
  CHECK(split_extension("u+e+f", "+").user == "u");
  CHECK(split_extension("u+e+f", "+").extension == "e+f");
  CHECK(split_extension("u-e", "+-").delimiter == '-');
  CHECK_FALSE(split_extension("+e", "+").extension);
  CHECK_FALSE(split_extension("user", "+").extension);
  CHECK_FALSE(split_extension("", "+").extension);
  CHECK_FALSE(split_extension("owner-list", "-").extension);
  CHECK_FALSE(split_extension("list-request", "-").extension);
  CHECK(split_extension("owner-list", "-", {false}).user == "owner");
  CHECK_FALSE(split_extension("double-bounce", "-").extension);
  CHECK(split_extension("u+", "+").extension == "");
}

TEST_CASE("Domains and literals", "[mime]") {
  for (std::string good : {"x", "example.org", "a-b.c_d", "1.2.3.x"}) {
    CHECK(is_domain(good));
  }
  for (std::string bad :
       {"", ".", "a..b", "-a", "a-", "1.2.3.4", "a b", "a."}) {
    CHECK_FALSE(is_domain(bad));
  }
  CHECK_FALSE(is_domain(std::string(64, 'a')));
  CHECK(is_domain_literal("[1.2.3.4]"));
  CHECK(is_domain_literal("[IPv6:::1]"));
  CHECK(is_domain_literal("[ipv6:2001:db8::1]"));
  for (std::string bad : {"[300.1.1.1]", "[1.2.3]", "[IPv6:zz]", "[::1]",
                          "[IPv6:1.2.3.4]", "1.2.3.4"}) {
    CHECK_FALSE(is_domain_literal(bad));
  }
  CHECK_FALSE(is_domain_literal("[]"));
  CHECK_FALSE(is_domain_literal("[x]"));
}

TEST_CASE("Envelope addresses, as Debian's smtpd takes them", "[mime]") {
  struct Row {
    std::string text, internal;
  };
  for (const Row& row : {
           Row{"<a@x.org>", "a@x.org"},
           {"a@x.org", "a@x.org"},
           {"<>", ""},
           {"<  >", ""},
           {"<\"a b\"@x.org>", "a b@x.org"},
           {"\"a b\"@x.org", "a b@x.org"},
           {"<a..b@x.org>", "a..b@x.org"},
           {"<.a@x.org>", ".a@x.org"},
           {"<a.@x.org>", "a.@x.org"},
           {"<@x.org>", "@x.org"},
           {"<\"\"@x.org>", "@x.org"},
           {"<a@b@c>", "a@b@c"},
           {"<\"a@b\"@c>", "a@b@c"},
           {"<x@[1.2.3.4]>", "x@[1.2.3.4]"},
           {"<@r:u@h.org>", "u@h.org"},
           {"<@r1,@r2:u@h.org>", "u@h.org"},
           {"<@a:>", ""},
           {"<foo <a@b.org>>", "a@b.org"},
           {"<a@b.org (x)>", "a@b.org"},
           {"(x)<a@b>", "a@b"},
           {"<(x)a@b>", "a@b"},
           {"<x:a@b;>", "a@b"},
           {"<:a>", "a"},
           {"<a@b.>", "a@b."},
           {"<a\\ b@z.org>", "a b@z.org"},
           {"<postmaster>", "postmaster"},
           {"<\"\">", ""},
           {"< a@b >", "a@b"},
           {"<\xc3\xa9@x.org>", "\xc3\xa9@x.org"},
       }) {
    CAPTURE(row.text);
    CHECK(parse_envelope_address(row.text, EnvelopeSyntax::Lenient) ==
          row.internal);
  }
  for (std::string bad :
       {"", "<", ">", "<a@>", "a@", "<<a@b>", "<a@b", "<a b@c>", "<a@b c@d>",
        "<a,b@c.org>", "a,b@c.org", "<a@b>x", "<a;b>", "<a@b,c@d>", "<a@b..c>",
        "<a@.b>", "<a@b c>", "<a@b\"c\"d>", "<@>"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_envelope_address(bad, EnvelopeSyntax::Lenient));
  }
}

TEST_CASE("strict_rfc821_envelopes takes only paths", "[mime]") {
  using enum EnvelopeSyntax;
  CHECK(parse_envelope_address("<a@b>", Strict) == "a@b");
  CHECK(parse_envelope_address("<>", Strict) == "");
  CHECK_FALSE(parse_envelope_address("a@b", Strict));
  CHECK_FALSE(parse_envelope_address("<a@b (c)>", Strict));
  CHECK_FALSE(parse_envelope_address("<x <a@b>>", Strict));
}
