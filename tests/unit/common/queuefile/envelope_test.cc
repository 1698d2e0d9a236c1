#include "common/queuefile/envelope.h"

#include <catch2/catch.hpp>

#include "common/queuefile/content.h"
#include "tests/unit/common/queuefile/sample.h"

using namespace mail;
using namespace mail::queuefile;

namespace {

/// Gives no more than was asked, from a buffer that is overwritten each time.
class Miser : public Source {
 public:
  explicit Miser(std::string_view bytes) : bytes_(bytes) {}
  Result<std::string_view> fetch(uint64_t offset, size_t want) override {
    buffer_.assign(offset < bytes_.size() ? bytes_.substr(offset, want) : "");
    return buffer_;
  }

 private:
  std::string_view bytes_;
  std::string buffer_;
};

std::string all_content(Source& source, uint64_t offset) {
  ContentReader reader(source, offset);
  std::string out;
  while (true) {
    auto more = append_content(reader, 100, "\n", out);
    REQUIRE(more);
    if (!*more) return out;
  }
}

std::string edited_file() {
  auto pointer = [](size_t target) {
    std::string out;
    append_record(out, Type::Pointer, fixed_number(static_cast<long>(target)));
    return out;
  };
  // Two headers; the first is replaced by one at the end of the file.
  std::string head, body;
  append_record(head, Type::Time, "1 0");
  append_record(head, Type::Sender, "a@b");
  append_record(head, Type::Recipient, "c@d");
  append_record(head, Type::Message, "");
  append_line(body, "Subject: two");
  append_record(body, Type::Padding, "xx");
  append_line(body, "");
  append_record(body, Type::Extracted, "");
  append_record(body, Type::End, "");
  size_t back = head.size() + 17, end = back + body.size();
  std::string added;
  append_line(added, "X-New: one");
  return head + pointer(end) + body + added + pointer(back);
}

}  // namespace

TEST_CASE("Sizes are six numbers of fifteen places", "[queuefile]") {
  Sizes sizes{3425, 894, 3, 12, 3425, 1};
  auto text = format_sizes(sizes);
  CHECK(text.size() == kSizesLength);
  CHECK(text.substr(0, 31) == "           3425             894");
  auto again = parse_sizes(text);
  REQUIRE(again);
  CHECK(again->recipient_count == 3);
  CHECK(again->smtputf8 == 1);
  CHECK_FALSE(parse_sizes("1 x"));
  CHECK_FALSE(parse_sizes("1 -2"));
  CHECK_FALSE(parse_sizes(""));
}

TEST_CASE("An envelope is read whole", "[queuefile]") {
  auto sample = test::sample();
  Miser source(sample.bytes);
  EnvelopeParser parser;
  std::vector<FileRecipient> rcpts;
  REQUIRE(parser.read(source, SIZE_MAX, rcpts));
  CHECK(parser.finished());
  const Envelope& e = parser.envelope();
  CHECK(e.arrival_sec == 1795490254);
  CHECK(e.arrival_usec == 542347);
  CHECK(e.create_time == 1795490254);
  CHECK(e.sender == "sender@ext.example");
  CHECK(e.encoding == "7bit");
  CHECK(e.log_client_name == "localhost");
  CHECK(e.warning_time == 1795504654);
  CHECK(e.warning_offset == sample.warning_offset);
  REQUIRE(rcpts.size() == 2);
  CHECK(rcpts[0].recipient == "x@test.example");
  CHECK(rcpts[0].original_recipient == "x");
  CHECK(rcpts[0].dsn_orig_rcpt == "rfc822;x@test");
  CHECK(rcpts[0].notify_flags == 12);
  CHECK(rcpts[0].offset == sample.recipient_offset);
  CHECK(rcpts[1].recipient == "z@test.example");
  CHECK(rcpts[1].notify_flags == 0);
  CHECK(all_content(source, e.content_offset) == sample.content);
}

TEST_CASE("An envelope is read in parts", "[queuefile]") {
  auto sample = test::sample();
  EnvelopeParser parser(Wanted::All);
  std::vector<FileRecipient> rcpts;
  std::vector<std::string> names;
  while (!parser.finished()) {
    MemorySource source(sample.bytes);  // closed and opened in between
    rcpts.clear();
    REQUIRE(parser.read(source, 1, rcpts));
    CHECK(rcpts.size() <= 1);
    for (auto& rcpt : rcpts) names.push_back(rcpt.recipient);
  }
  CHECK(names == std::vector<std::string>{"x@test.example", "y@test.example",
                                          "z@test.example"});
}

TEST_CASE("A file cut anywhere is corrupt", "[queuefile]") {
  auto sample = test::sample();
  for (size_t cut = 0; cut < sample.bytes.size(); ++cut) {
    MemorySource source(std::string_view(sample.bytes).substr(0, cut));
    EnvelopeParser parser;
    std::vector<FileRecipient> rcpts;
    auto read = parser.read(source, SIZE_MAX, rcpts);
    REQUIRE_FALSE(read);
    CHECK(read.error().fault == Fault::Protocol);
  }
}

TEST_CASE("Records out of place are corrupt", "[queuefile]") {
  for (auto bytes :
       {std::string("S\0S\0E\0", 6), std::string("N\0", 2),
        std::string("A\1=", 3), std::string("T\1x", 3),
        std::string("S\0M\0S\0X\0E\0", 10), std::string("E\0", 2),
        std::string("S\0M\0X\0C\0E\0", 10), std::string("p\1x", 3)}) {
    MemorySource source(bytes);
    EnvelopeParser parser;
    std::vector<FileRecipient> rcpts;
    CHECK_FALSE(parser.read(source, SIZE_MAX, rcpts));
  }
}

TEST_CASE("Pointers of an edited file are followed", "[queuefile]") {
  auto bytes = edited_file();
  Miser source(bytes);
  EnvelopeParser parser;
  std::vector<FileRecipient> rcpts;
  REQUIRE(parser.read(source, SIZE_MAX, rcpts));
  CHECK(rcpts.size() == 1);
  CHECK(all_content(source, parser.envelope().content_offset) ==
        "X-New: one\nSubject: two\n\n");
}

TEST_CASE("Pointers that run in a circle are found", "[queuefile]") {
  std::string bytes;
  append_record(bytes, Type::Sender, "");
  append_record(bytes, Type::Pointer, fixed_number(2));
  MemorySource source(bytes);
  EnvelopeParser parser;
  std::vector<FileRecipient> rcpts;
  CHECK_FALSE(parser.read(source, SIZE_MAX, rcpts));
}
