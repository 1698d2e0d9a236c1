#include "common/mime/address_list.h"

#include <catch2/catch.hpp>

using namespace mail::mime;

namespace {

/// What Debian's cleanup does at $myorigin = example.com.
std::string rewritten(std::string_view name, std::string_view value) {
  AddressList list(value);
  for (size_t i = 0; i < list.size(); ++i) {
    std::string address = list.external(i);
    if (!address.empty() && address.find('@') == std::string::npos) {
      list.set_external(i, address + "@example.com");
    }
  }
  return list.header(name);
}

}  // namespace

TEST_CASE("Rewritten headers look like Debian's", "[mime]") {
  CHECK(rewritten("From", "\"Foo Bar\" <foo>") ==
        "From: \"Foo Bar\" <foo@example.com>");
  CHECK(rewritten("To",
                  "a, b@x.org, \"Joe, Q\" <joe@x.org>(comment) , Group: c, "
                  "d@y.org;, very.long.address.number1@example.org, "
                  "very.long.address.number2@example.org") ==
        "To: a@example.com, b@x.org, \"Joe, Q\" <joe@x.org>(comment),\n"
        "\tGroup: c@example.com, d@y.org;,\n"
        "\tvery.long.address.number1@example.org,\n"
        "\tvery.long.address.number2@example.org");
  CHECK(rewritten("Cc",
                  "\"a b\"@x.org,  weird name here <q> , foo.bar @ baz . org,"
                  " <>, \"q\\\"uo\\\\te\" <z>") ==
        "Cc: \"a b\"@x.org, weird name here <q@example.com>, foo.bar@baz.org,\n"
        "\t<>, \"q\\\"uo\\\\te\" <z@example.com>");
  CHECK(rewritten("Reply-To", "plain (full name)") ==
        "Reply-To: plain@example.com (full name)");
  CHECK(rewritten("Sender", "a b c") ==
        "Sender: a@example.com, b@example.com, c@example.com");
  CHECK(rewritten("Cc",
                  "A (c1) B <q> (c2), q(c3), (c4) q, \"x y\" z@x.org, "
                  "a.b. c <q>, =?utf-8?q?x?= <q>, <q>x, q@[1.2.3.4], "
                  "\"a\"\"b\" <q>,,r") ==
        "Cc: A (c1) B <q@example.com>(c2), q@example.com (c3),\n"
        "\tq@example.com (c4), \"x y\"@example.com, z@x.org,\n"
        "\ta.b.c <q@example.com>, =?utf-8?q?x?= <q@example.com>,\n"
        "\t<q@example.com>, x@example.com, q@[1.2.3.4], \"a\" \"b\" "
        "<q@example.com>,\n"
        "\t, r@example.com");
  CHECK(rewritten("Sender", "=?x?= . <q>") == "Sender: =?x?=. <q@example.com>");
  CHECK(rewritten("Errors-To", "\"a\\b\" <q> \"d\n e\" , [x]y <q>") ==
        "Errors-To: \"ab\" <q@example.com>, \"d  e\"@example.com,\n"
        "\t[x] y <q@example.com>");
  CHECK(rewritten("Mail-Followup-To", "q <r> s, t@ x . org u") ==
        "Mail-Followup-To: q <r@example.com>, s@example.com, t@x.org,\n"
        "\tu@example.com");
}

TEST_CASE("Nothing changed is reported as such", "[mime]") {
  AddressList list("a@b, <c@d>, undisclosed-recipients:;");
  REQUIRE(list.size() == 2);
  list.set_external(0, "a@b");
  CHECK_FALSE(list.changed());
  CHECK(list.in_brackets(1));
  list.set_internal(1, "c c@d");
  CHECK(list.changed());
  CHECK(list.external(1) == "\"c c\"@d");
  CHECK(list.internal(1) == "c c@d");
  CHECK(list.value() == "a@b, <\"c c\"@d>, undisclosed-recipients:;");
}

TEST_CASE("Damaged headers still give a list", "[mime]") {
  CHECK(AddressList("").size() == 0);
  CHECK(AddressList("<a@b").value() == "<a@b>");
  CHECK(AddressList("\"open").external(0) == "\"open\"");
  CHECK(AddressList("a (open (x)").value() == "a (open (x))");
  CHECK(AddressList("a@[1.2").external(0) == "a@[1.2]");
  CHECK(AddressList(", , ;").size() == 0);
}

TEST_CASE("header_address_token_limit cuts the list", "[mime]") {
  CHECK(AddressList("a,b,c,d", 3).size() == 2);
}
