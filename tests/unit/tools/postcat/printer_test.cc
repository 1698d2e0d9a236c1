#include "tools/postcat/printer.h"

#include <catch2/catch.hpp>

#include "tests/unit/common/queuefile/sample.h"

using namespace mail;
using namespace mail::postcat;

namespace {

struct Printed {
  std::string text, warnings;
  bool ok = false;
};

Printed print_all(std::string_view bytes, const Options& options) {
  Printed out;
  queuefile::MemorySource source(bytes);
  Sink sink{.write = [&](std::string_view text) -> Result<> {
              out.text += text;
              return {};
            },
            .warn = [&](const std::string& text) { out.warnings += text; }};
  out.ok = print(source, "f", options, sink).has_value();
  return out;
}

std::string file() {
  using queuefile::Type;
  std::string out;
  queuefile::append_record(out, Type::Time, "1795521664 5");
  queuefile::append_attribute(out, "create_time", "1795521664");
  queuefile::append_attribute(out, "encoding", "7bit");
  queuefile::append_record(out, Type::Sender, "");
  queuefile::append_record(out, Type::Message, "");
  queuefile::append_line(out, "Subject: a");
  queuefile::append_line(out, " b");
  queuefile::append_line(out, "");
  queuefile::append_line(out, "abcdef", 4);
  queuefile::append_record(out, Type::Extracted, "");
  queuefile::append_record(out, Type::Recipient, "r@b");
  queuefile::append_record(out, Type::End, "");
  return out;
}

}  // namespace

TEST_CASE("A queue file is shown as postcat shows it", "[postcat]") {
  setenv("TZ", "UTC", 1);
  tzset();
  Options all{.envelope = true, .header = true, .body = true};
  auto printed = print_all(file(), all);
  CHECK(printed.ok);
  CHECK(printed.text ==
        "*** ENVELOPE RECORDS f ***\n"
        "message_arrival_time: Tue Nov 24 12:01:04 2026\n"
        "create_time: Tue Nov 24 12:01:04 2026\n"
        "named_attribute: encoding=7bit\n"
        "sender: \n"
        "*** MESSAGE CONTENTS f ***\n"
        "Subject: a\n b\n\nabcdef\n"
        "*** HEADER EXTRACTED f ***\n"
        "recipient: r@b\n"
        "*** MESSAGE FILE END f ***\n");
  CHECK(print_all(file(), {.header = true}).text == "Subject: a\n b\n");
  CHECK(print_all(file(), {.body = true}).text == "\nabcdef\n");
}

TEST_CASE("Offsets and types stand in front", "[postcat]") {
  Options options{
      .envelope = true, .body = true, .offsets = true, .decimal = true};
  auto printed = print_all(file(), options);
  CHECK(printed.text.find("        0  84 message_arrival_time: ") !=
        std::string::npos);
  CHECK(printed.text.find("       53  83 sender: \n") != std::string::npos);
  CHECK(printed.text.find("  76 abcd\n") != std::string::npos);
}

TEST_CASE("What is no queue file is said to be none", "[postcat]") {
  CHECK(print_all("root:x:0:0", {.envelope = true}).warnings ==
        "f: input is not a valid queue file");
  CHECK(print_all("", {.envelope = true}).ok);
}

TEST_CASE("A cut file is shown as far as it goes", "[postcat]") {
  auto sample = queuefile::test::sample().bytes;
  Options all{.envelope = true, .header = true, .body = true};
  std::string whole = print_all(sample, all).text;
  for (size_t cut = 1; cut < sample.size(); ++cut) {
    auto printed = print_all(std::string_view(sample).substr(0, cut), all);
    CHECK(whole.starts_with(printed.text));
  }
  auto cut = print_all(std::string_view("T\5abc"), all);
  CHECK_FALSE(cut.ok);
  CHECK(cut.warnings == "f: unexpected EOF in data, record type 84 length 5");
}
