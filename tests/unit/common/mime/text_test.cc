// Charsets, encoded words, base subjects and dates.
#include <catch2/catch.hpp>

#include "common/mime/charset.h"
#include "common/mime/date_parse.h"
#include "common/mime/subject.h"

using namespace mail;

TEST_CASE("charsets become UTF-8", "[text]") {
  CHECK(mime::to_utf8("Gr\xFC\xDF", "iso-8859-1") == "Grüß");
  CHECK(mime::to_utf8("plain", "iso-8859-15") == "plain");
  CHECK(mime::to_utf8("\x1B$B$3\x1B(B", "iso-2022-jp") == "こ");
  CHECK(mime::to_utf8("x\xFFy", "nosuch") == "x\xFFy");
  CHECK_FALSE(mime::is_known_charset("nosuch"));
  CHECK(mime::is_known_charset("windows-1252"));
}

TEST_CASE("encoded words are decoded, their folds undone", "[text]") {
  CHECK(mime::decode_words("=?iso-8859-1?q?Gr=FC=DFe?= folded\n subject") ==
        "Grüße folded subject");
  CHECK(mime::decode_words("=?utf-8?q?a?=\n =?utf-8?q?b?=") == "ab");
  // A character cut in two by the words.
  CHECK(mime::decode_words("=?utf-8?B?w6Q=?= =?utf-8?Q?=C3?= "
                           "=?utf-8?Q?=A4?=") == "ää");
  CHECK(mime::decode_words("no =?word") == "no =?word");
  CHECK(mime::decode_words("folded\r\n here,\n there\r and\r\r\n\tso\n") ==
        "folded here, there and\tso");
  CHECK(mime::decode_words("=?utf-8?q?a b?=") == "a b");
}

TEST_CASE("comparison ignores case and accents as RFC 5051 does", "[text]") {
  CHECK(mime::casemap("abc") == "ABC");
  CHECK(mime::casemap("é") == mime::casemap("É"));
  CHECK(mime::casemap("é").starts_with("E"));
  CHECK(mime::casemap("\xFF") == "\xEF\xBF\xBD");
}

TEST_CASE("base subjects of RFC 5256", "[text]") {
  const std::tuple<const char*, const char*, bool> cases[] = {
      {"Hello", "HELLO", false},
      {"Re: Hello", "HELLO", true},
      {"RE[2]: hello", "HELLO", true},
      {"[list] Re: [list] hello (fwd)", "HELLO", true},
      {"Fwd: Re:  a   b ", "A B", true},
      {"[fwd: hello]", "HELLO", true},
      {"[blob]", "[BLOB]", false},
      {"[list] hello", "HELLO", false},
      {"Re: =?utf-8?q?h=C3=A9?=", "HE\xCC\x81", true},
      {"", "", false},
      {"Re:", "", true},
      {"Reply", "REPLY", false},
  };
  for (const auto& [subject, base, reply] : cases) {
    INFO(subject);
    auto got = mime::base_subject(subject);
    CHECK(got.text == base);
    CHECK(got.reply == reply);
  }
}

TEST_CASE("dates of headers", "[text]") {
  auto date = mime::read_date("Tue, 24 Nov 2026 03:22:15 +0100 (CET)");
  REQUIRE(date);
  CHECK(date->seconds == 1795486935);
  CHECK(date->offset == 3600);
  CHECK(mime::read_date("24 Nov 2026 03:22 GMT")->seconds == 1795490520);
  CHECK(mime::read_date("Tue, 24 Nov 26 03:22:15 -0000"));
  CHECK_FALSE(mime::read_date("bogus"));
  CHECK_FALSE(mime::read_date(""));
  CHECK_FALSE(mime::read_date("Tue, 99 Nov 2026 03:22:15"));
}

TEST_CASE("days come back from their numbers", "[text]") {
  for (int64_t day : {-1, 0, 59, 11016, 20000, 200000}) {
    auto civil = mime::civil_day(day);
    CHECK(mime::seconds_of(civil.year, civil.month, civil.day) == day * 86400);
  }
}
