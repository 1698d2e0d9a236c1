#include "common/mime/codec.h"

#include <catch2/catch.hpp>

#include "common/mime/date.h"
#include "common/mime/phrase.h"

using namespace mail::mime;

TEST_CASE("xtext", "[mime]") {
  CHECK(encode_xtext("a+b=c d") == "a+2Bb+3Dc+20d");
  CHECK(decode_xtext("a+2Bb+3dc") == "a+b=c");
  CHECK_FALSE(decode_xtext("a+b"));
  CHECK_FALSE(decode_xtext("a=b"));
  CHECK_FALSE(decode_xtext("a+2"));
  CHECK(decode_xtext("") == "");
}

TEST_CASE("Quoted-printable goes there and back", "[mime]") {
  for (std::string text :
       {std::string("plain\n"), std::string("tr\xc3\xa4iling \nx=y\t\n"),
        std::string(200, 'x') + "\n" + std::string(76, 'y'),
        std::string(200, '\xff'), std::string("\r\0a", 3)}) {
    std::string coded = encode_quoted_printable(text);
    CHECK(decode_quoted_printable(coded) == text);
    size_t column = 0;
    for (char c : coded) {
      column = c == '\n' ? 0 : column + 1;
      CHECK(column <= 76);
    }
  }
  CHECK(decode_quoted_printable("a=3db=\r\nc=zz  \r\n") == "a=bc=zz\r\n");
}

TEST_CASE("base64 lines", "[mime]") {
  std::string coded = encode_base64_lines(std::string(60, 'a'));
  CHECK(coded.find('\n') == 76);
  CHECK(decode_base64_loose(coded) == std::string(60, 'a'));
  CHECK(decode_base64_loose("YQ") == "a");
  CHECK(decode_base64_loose("YWI=ignored") == "ab");
}

TEST_CASE("Dates have Postfix's shape", "[mime]") {
  CHECK(format_date(1795490254) == "Tue, 24 Nov 2026 03:17:34 +0000 (UTC)");
  CHECK(format_date(1793675854) == "Tue,  3 Nov 2026 03:17:34 +0000 (UTC)");
  CHECK(format_date(1795490254, {-12600, "NST"}) ==
        "Mon, 23 Nov 2026 23:47:34 -0330 (NST)");
  CHECK(format_date(0, {3600, ""}) == "Thu,  1 Jan 1970 01:00:00 +0100");
  CHECK(make_message_id(1795490254, "ABC", "h.org", false) ==
        "<20261124031734.ABC@h.org>");
  CHECK(make_message_id(0, "ABC", "h.org", true) == "<ABC@h.org>");
}

TEST_CASE("From headers", "[mime]") {
  CHECK(format_from("", "a@b") == "a@b");
  CHECK(format_from("Foo Bar", "a@b") == "Foo Bar <a@b>");
  CHECK(format_from("Foo B. Bar", "a@b") == "\"Foo B. Bar\" <a@b>");
  CHECK(format_from("Foo (x)", "a@b") == "\"Foo (x)\" <a@b>");
  CHECK(format_from("Foo (x)", "a@b", FromFormat::Obsolete) ==
        "a@b (Foo \\(x\\))");
}

TEST_CASE("Encoded words", "[mime]") {
  CHECK(encode_words("plain") == "plain");
  CHECK(encode_words("\xc3\xa9") == "=?utf-8?B?w6k=?=");
  std::string text;
  for (int i = 0; i < 40; ++i) text += "\xe2\x82\xac";
  for (char c : encode_words(text)) CHECK(static_cast<unsigned char>(c) < 128);
  CHECK(encode_words(text).find(' ') <= 75);
}
