// What imapd's commands are made of and needs no mailbox.
#include <catch2/catch.hpp>

#include "common/mailview/matcher.h"
#include "common/mailview/part_text.h"
#include "imapd/deflate.h"
#include "imapd/flag_list.h"

using namespace mail;

namespace {
std::string crlf(std::string_view text) {
  std::string out;
  mailview::append_crlf(out, text);
  return out;
}
imap::Args flags(std::initializer_list<const char*> words) {
  imap::Args out;
  for (const char* word : words) {
    out.push_back({imap::Arg::Kind::Atom, word, {}});
  }
  return out;
}
}  // namespace

TEST_CASE("bare LFs become CRLF, CRLFs stay", "[imapd]") {
  CHECK(crlf("a\nb\r\nc") == "a\r\nb\r\nc");
  CHECK(crlf("\n\n") == "\r\n\r\n");
  CHECK(crlf("").empty());
  CHECK(crlf("no end") == "no end");
}

TEST_CASE("text is found without regard to case", "[imapd]") {
  CHECK(mailview::contains_text("Hello World", "WORLD"));
  CHECK_FALSE(mailview::contains_text("Hello World", "WORLDS"));
  CHECK(mailview::contains_text("Caf\xC3\xA9 noir", "CAFE"));
  CHECK(mailview::contains_text("0123456789@abcxyz[`{", "@ABCXYZ[`{"));
  CHECK(mailview::contains_text("a message of some words, z{ at its end",
                                "A MESSAGE OF SOME WORDS, Z{ AT"));
  CHECK_FALSE(mailview::contains_text("0123456789 `{", "@"));
  CHECK(mailview::contains_text("anything", ""));
  CHECK_FALSE(mailview::contains_text("", "A"));
}

TEST_CASE("flags are checked in the original's words", "[imapd]") {
  auto good = imapd::parse_flags(flags({"\\Seen", "\\deleted", "kw", "KW"}));
  REQUIRE(good);
  CHECK(good->flags == (mailbox::kSeen | mailbox::kDeleted));
  CHECK(good->keywords == std::vector<std::string>{"kw"});
  CHECK(imapd::parse_flags(flags({"\\Foo"})).error().what ==
        "Invalid system flag \\FOO");
  CHECK(imapd::parse_flags(flags({"a]b"})).error().what ==
        "Invalid characters in keyword");
}

TEST_CASE("what is compressed comes back, in any pieces", "[imapd]") {
  auto ours = imapd::make_deflate_filter(nullptr, 6);
  auto theirs = imapd::make_deflate_filter(nullptr, 6);
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i) + "\r\n";
  std::string wire, got, unused;
  REQUIRE(ours->encode(text, wire));
  REQUIRE(ours->encode("end", wire));
  CHECK(wire.size() < text.size() / 2);
  for (char c : wire) {
    REQUIRE(theirs->decode(std::string_view(&c, 1), got, unused));
  }
  CHECK(got == text + "end");
  CHECK_FALSE(theirs->decode("\xFF\xFF\xFF\xFF garbage", got, unused));
}

TEST_CASE("compressed input must not grow without bound", "[imapd]") {
  auto ours = imapd::make_deflate_filter(nullptr, 9);
  auto theirs = imapd::make_deflate_filter(nullptr, 9);
  std::string wire, got, unused;
  REQUIRE(ours->encode(std::string(64 << 20, 'x'), wire));
  CHECK_FALSE(theirs->decode(wire, got, unused));
}
