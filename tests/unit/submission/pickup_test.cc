#include <catch2/catch.hpp>

#include "common/queuefile/record.h"
#include "submission/pickup/copy.h"

using namespace mail;
using queuefile::append_attribute;
using queuefile::append_record;
using queuefile::Type;

namespace {

std::string whole_file() {
  std::string f;
  append_record(f, Type::Time, "1795522014 42");
  append_attribute(f, "rewrite_context", "local");
  append_record(f, Type::Filter, "evil:filter");
  append_record(f, Type::Sender, "a@b");
  append_record(f, Type::Recipient, "c@d");
  append_record(f, Type::Redirect, "evil@redirect");
  append_record(f, Type::Message, "");
  append_record(f, Type::Text, " starts with a blank");
  append_record(f, Type::Extracted, "");
  append_attribute(f, "sasl_username", "evil");
  append_record(f, Type::Recipient, "e@f");
  append_record(f, Type::End, "");
  return f;
}

Result<std::string> copy(const std::string& file, size_t step,
                         std::string filter = "") {
  queuefile::MemorySource source(file);
  pickup::Copier copier(
      source, {1000, 7, std::move(filter), "Received: by h\n\tid X; now"});
  std::string out;
  while (!copier.finished()) TRY(copier.step(step, out));
  CHECK(copier.sender() == "a@b");
  return out;
}

}  // namespace

TEST_CASE("users' files lose what users must not say, and gain Received",
          "[pickup]") {
  std::string expected;
  append_record(expected, Type::Time, "1795522014 42");
  append_attribute(expected, "rewrite_context", "local");
  append_record(expected, Type::Sender, "a@b");
  append_record(expected, Type::Recipient, "c@d");
  append_record(expected, Type::Message, "");
  append_record(expected, Type::Text, "Received: by h");
  append_record(expected, Type::Text, "\tid X; now");
  append_record(expected, Type::Text, "");
  append_record(expected, Type::Text, " starts with a blank");
  append_record(expected, Type::Extracted, "");
  append_record(expected, Type::Recipient, "e@f");
  append_record(expected, Type::End, "");
  for (size_t step : {1u, 10u, 65536u}) {
    auto out = copy(whole_file(), step);
    REQUIRE(out);
    CHECK(*out == expected);
  }
}

TEST_CASE("content_filter is ours to say", "[pickup]") {
  auto out = copy(whole_file(), 65536, "scan:");
  REQUIRE(out);
  CHECK(out->starts_with("L\x05scan:"));
}

TEST_CASE("a file cut anywhere is an error, never a message", "[pickup]") {
  std::string file = whole_file();
  for (size_t cut = 0; cut < file.size(); ++cut) {
    queuefile::MemorySource source(std::string_view(file).substr(0, cut));
    pickup::Copier copier(source, {});
    std::string out;
    bool failed = false;
    while (!failed && !copier.finished()) failed = !copier.step(4096, out);
    CHECK(failed);
  }
}
