#include "common/mime/header.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace mail::mime;

TEST_CASE("What begins a header", "[mime]") {
  CHECK(header_name_length("Subject: x") == 7);
  CHECK(header_name_length("Subject : x") == 7);
  CHECK(header_name_length("x:") == 1);
  CHECK(header_name_length("") == 0);
  CHECK(header_name_length(":x") == 0);
  CHECK(header_name_length(" x: y") == 0);
  CHECK(header_name_length("two words: y") == 0);
  CHECK(header_name_length("From a@b Mon 10:00") == 0);
  CHECK(split_header("To : \t a@b").value == "a@b");
}

TEST_CASE("The table knows kinds", "[mime]") {
  CHECK(find_header("FROM")->traits == kSenderHeader);
  CHECK(find_header("resent-to")->traits ==
        (kRecipientHeader | kExtractHeader | kResentHeader));
  CHECK(find_header("X-Foo") == nullptr);
  CHECK(is_mime_header("content-foo"));
}

TEST_CASE("Header lines are put together", "[mime]") {
  HeaderSplitter splitter(20);
  std::vector<std::string> headers;
  bool over = false;
  for (std::string line : {"A: 1", " more", "B: 2", "C: long enough to be cut",
                           " x", "", "body"}) {
    if (!splitter.push(line)) over = true;
    if (splitter.ready()) headers.push_back(splitter.header());
    if (over) break;
  }
  CHECK(headers == std::vector<std::string>{"A: 1\n more", "B: 2",
                                            "C: long enough to be"});
  CHECK(splitter.truncated());
}

TEST_CASE("A header line in pieces is one line", "[mime]") {
  HeaderSplitter splitter;
  CHECK(splitter.push("A: 1", HeaderSplitter::Piece::Continues));
  CHECK(splitter.push(" 2"));
  splitter.finish();
  REQUIRE(splitter.ready());
  CHECK(splitter.header() == "A: 1 2");
}
