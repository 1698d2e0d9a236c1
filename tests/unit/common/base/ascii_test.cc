#include "common/base/ascii.h"

#include <catch2/catch.hpp>

#include "common/base/utf8.h"

using namespace mail;
using Pieces = std::vector<std::string_view>;

TEST_CASE("lists split at commas and blanks, empty pieces vanish", "[base]") {
  CHECK(split(" a, b\t,,c\n") == Pieces{"a", "b", "c"});
  CHECK(split("") == Pieces{});
}

TEST_CASE("braces keep a piece together", "[base]") {
  CHECK(split_braced("a, { b, {c} } d") == Pieces{"a", "{ b, {c} }", "d"});
  CHECK(split_braced("x{ y z") == Pieces{"x{ y z"});
}

TEST_CASE("a word of a list is found in any case", "[base]") {
  CHECK(has_word("bounce, Notify", "notify"));
  CHECK_FALSE(has_word("bounce, notify", "not"));
  CHECK_FALSE(has_word("", "notify"));
  CHECK(has_word("a:b", "b", ":"));
}

TEST_CASE("split_exact keeps empty pieces", "[base]") {
  CHECK(split_exact("a::b:", ':') == Pieces{"a", "", "b", ""});
}

TEST_CASE("case is ASCII only", "[base]") {
  CHECK(iequals("MaIl", "mAiL"));
  CHECK_FALSE(iequals("\xC4", "\xE4"));
  CHECK(iends_with("x.Example.COM", ".example.com"));
  CHECK(trim(" \t a b \n") == "a b");
}

TEST_CASE("printable text has no control bytes and no broken UTF-8", "[base]") {
  CHECK(printable("a\r\nb\x7f") == "a??b?");
  CHECK(printable("\xC3\xA4") == "\xC3\xA4");
  CHECK(printable("\xC3\xA4", false) == "??");
  CHECK(printable("\xC3(") == "?(");
  CHECK(is_ascii("sixteen letters. and more"));
  for (size_t at = 0; at < 17; ++at) {
    std::string text(17, 'x');
    text[at] = '\x80';
    CHECK_FALSE(is_ascii(text));
  }
  CHECK_FALSE(is_utf8("\xED\xA0\x80"));
  CHECK_FALSE(is_utf8("\xC0\x80"));
  CHECK(is_utf8("\xF4\x8F\xBF\xBF"));
}
