#include "common/imap/fetch_items.h"

#include <catch2/catch.hpp>

using namespace mail::imap;

namespace {
struct Parsed {
  std::string error;
  std::vector<FetchItem> items;
};
Parsed parse(const std::string& text) {
  ArgReader reader(ArgReader::Options{});
  REQUIRE(reader.read(text + "\r\n") == ArgReader::State::Complete);
  size_t at = 0;
  auto items = parse_fetch_items(reader.args, at);
  if (!items) return {items.error().what, {}};
  return {"", std::move(*items)};
}
}  // namespace

TEST_CASE("sections are read and labelled", "[fetch]") {
  auto one = parse("BODY.PEEK[header.fields (Subject \"from\")]<0.5>").items;
  REQUIRE(one.size() == 1);
  CHECK(one[0].section.label == "BODY[HEADER.FIELDS (SUBJECT FROM)]<0>");
  CHECK(one[0].section.peek);
  CHECK(one[0].section.size == 5);
  one = parse("BODY[1.2.mime]").items;
  CHECK(one[0].section.part == std::vector<uint32_t>{1, 2});
  CHECK(one[0].section.what == BodySection::What::Mime);
  CHECK(one[0].section.label == "BODY[1.2.MIME]");
  CHECK(parse("(FLAGS BODY[] BINARY[1] BINARY.SIZE[1] UID)").items.size() == 5);
  CHECK(parse("FULL").items.size() == 5);
  CHECK(parse("RFC822.HEADER").items[0].section.peek);
  CHECK(parse("(PREVIEW (LAZY) UID)").items[0].lazy);
}

TEST_CASE("bad items are told in the original's words", "[fetch]") {
  CHECK(parse("(BODY[FOO])").error == "Invalid BODY[..] section");
  CHECK(parse("(FOO)").error == "Unknown parameter: FOO");
  CHECK(parse("(ALL)").error == "Unknown parameter: ALL");
  CHECK(parse("(BODY[1)").error == "Invalid BODY[..] parameter: Missing ']'");
  CHECK_FALSE(parse("BODY[MIME]").error.empty());
  CHECK_FALSE(parse("BODY[1.]").error.empty());
  CHECK_FALSE(parse("BODY[HEADER.FIELDS]").error.empty());
  CHECK_FALSE(parse("BODY[HEADER.FIELDS ()]").error.empty());
  CHECK_FALSE(parse("BODY[]<a>").error.empty());
  CHECK_FALSE(parse("BINARY[1.TEXT]").error.empty());
}
