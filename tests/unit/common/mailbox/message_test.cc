#include <fcntl.h>

#include <catch2/catch.hpp>

#include "common/mailbox/maildir_saving.h"
#include "common/mailbox/message_reader.h"
#include "tests/unit/common/mailbox/temporary.h"

namespace mail::mailbox {

namespace {

std::string with_crlf(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

std::unique_ptr<MessageReader> reader_of(Home& home, std::string_view head,
                                         std::string_view body) {
  home.write("message", body);
  UniqueFd fd(open((home.path + "/message").c_str(), O_RDONLY));
  return std::make_unique<MessageReader>(std::move(fd), std::string(head), 0,
                                         body.size());
}

}  // namespace

TEST_CASE("a message is read with CRLF from any place", "[message]") {
  Home home;
  for (std::string_view text :
       {"a: b\n\nline\r\nmixed\n\r\r\n\n", "", "\n", "\r\n", "no end", "x\r"}) {
    for (size_t head = 0; head <= text.size(); head += 3) {
      auto reader = reader_of(home, text.substr(0, head), text.substr(head));
      std::string expected = with_crlf(text);
      CHECK(reader->size() == text.size());
      CHECK(reader->read_all() == std::string(text));
      CHECK(reader->virtual_size() == expected.size());
      for (size_t from = 0; from <= expected.size(); ++from) {
        for (size_t size : {1, 2, 5, 100}) {
          std::string got;
          auto n = reader->read_crlf(from, size, got);
          REQUIRE(n);
          CHECK(*n == got.size());
          CHECK(got == expected.substr(from, size));
        }
      }
    }
  }
}

TEST_CASE("a large message is read in pieces, backwards too", "[message]") {
  Home home;
  std::string text;
  for (int i = 0; text.size() < 1'500'000; ++i) {
    text += fmt::format("line {} {}\n", i, std::string(i % 200, 'x'));
  }
  auto reader = reader_of(home, "", text);
  std::string expected = with_crlf(text);
  CHECK(reader->virtual_size() == expected.size());
  std::string got;
  for (size_t at = 0; at < expected.size(); at += 100'000) {
    REQUIRE(reader->read_crlf(at, 100'000, got));
  }
  CHECK(got == expected);
  for (size_t at : {1'200'000UL, 300'001UL, 0UL, 999'999UL}) {
    got.clear();
    REQUIRE(reader->read_crlf(at, 70'000, got));
    CHECK(got == expected.substr(at, 70'000));
  }
}

TEST_CASE("a header ends with its empty line", "[message]") {
  Home home;
  auto header = [&](std::string_view text) {
    return reader_of(home, "", text)->read_header().value_or("?");
  };
  CHECK(header("a: b\n\nbody\n\n") == "a: b\n\n");
  CHECK(header("a: b\r\n\r\nbody\n\n") == "a: b\r\n\r\n");
  CHECK(header("\nbody") == "\n");
  CHECK(header("\r\nbody") == "\r\n");
  CHECK(header("a: b\n") == "a: b\n");
  CHECK(header(std::string(70'000, 'x') + "\n\ny") ==
        std::string(70'000, 'x') + "\n\n");
}

TEST_CASE("lines end as the mailbox wants them, however they are cut",
          "[message]") {
  std::string_view text = "a\r\nb\nc\r\r\nd\re\r";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    for (bool crlf : {false, true}) {
      LineConverter converter(crlf);
      std::string out;
      converter.convert(text.substr(0, cut), out);
      converter.convert(text.substr(cut), out);
      converter.finish(out);
      CHECK(out == (crlf ? "a\r\nb\r\nc\r\r\nd\re\r" : "a\nb\nc\r\nd\re\r"));
      CHECK(converter.physical() == out.size());
      CHECK(converter.virtual_size() == with_crlf(out).size());
    }
  }
}

}  // namespace mail::mailbox
