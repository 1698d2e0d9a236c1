#include "common/imap/simple_addresses.h"

#include <catch2/catch.hpp>

#include "common/imap/quote.h"
#include "common/mime/envelope_address.h"

using namespace mail;

namespace {

/// The same list by the reader of all forms.
std::string by_reading(std::string_view value) {
  std::string out = "(";
  for (const mime::EnvelopeAddress& a : mime::read_addresses(value)) {
    out += '(';
    if (a.name && !a.name->empty()) {
      imap::put_text(out, *a.name);
    } else {
      out += "NIL";
    }
    for (const auto* part : {&a.route, &a.mailbox, &a.domain}) {
      out += ' ';
      imap::put_nstring(out, *part);
    }
    out += ')';
  }
  return out + ")";
}

}  // namespace

TEST_CASE("simple addresses are put as all others", "[envelope]") {
  for (const char* value :
       {"a@b", "<a@b>", "a.b@c.d", " a@b ,\r\n\tc@d", "a@b,", "John <a@b>",
        "J. R.  Doe\n <a@b>", "John<a@b>", "\"Doe, John\" <a@b>",
        "\" two  blanks \" <a@b>", "\"\" <a@b>", "\"a\"<a@b>",
        "\"(no comment)\"  <a@b> , x <c@d>", "o'neil+tag@a-b.c",
        "=?utf-8?q?J=C3=B6rg?= <a@b>"}) {
    CAPTURE(value);
    std::string out = "before ";
    REQUIRE(imap::put_simple_addresses(out, value));
    CHECK(out == "before " + by_reading(value));
  }
}

TEST_CASE("other forms are left to the reader of all", "[envelope]") {
  for (const char* value : {"",
                            " ",
                            ",",
                            "a",
                            "a b@c",
                            "a@",
                            "@b",
                            "a@.b",
                            "a@b.",
                            "a@b..c",
                            "a@b c@d",
                            "a@b, c",
                            "<a@b",
                            "< a@b>",
                            "<a @b>",
                            "<a@b >",
                            "<@r:a@b>",
                            "<>",
                            "a@[1.2.3.4]",
                            "(x) a@b",
                            "a@b (x)",
                            "g: a@b;",
                            "\"a\\\"b\" <a@b>",
                            "\"a\" b <a@b>",
                            "\"a\nb\" <a@b>",
                            "\"a@b",
                            "\"a\"@b",
                            "a@b;",
                            "J\xc3\xb6rg <a@b>",
                            "a,b <a@b>",
                            "\xc3\xb6@b"}) {
    CAPTURE(value);
    std::string out = "before";
    CHECK_FALSE(imap::put_simple_addresses(out, value));
    CHECK(out == "before");
  }
}
