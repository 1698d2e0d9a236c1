#include "common/imap/sequence_set.h"

#include <catch2/catch.hpp>

#include "common/imap/date_time.h"

using namespace mail::imap;

namespace {
std::string read(std::string_view text, uint32_t largest = 10) {
  auto set = SequenceSet::parse(text, largest);
  return set ? set->text() : "bad";
}
}  // namespace

TEST_CASE("sets are read and normalised", "[set]") {
  CHECK(read("1") == "1");
  CHECK(read("3:1,5,4") == "1:5");
  CHECK(read("*") == "10");
  CHECK(read("5:*") == "5:10");
  CHECK(read("12:*") == "10:12");
  CHECK(read("1:4294967295,7") == "1:4294967295");
  for (const char* bad : {"", "0", "a", "1,", "1:", ":1", "1:2:3", "+1", "-1",
                          "4294967296", "1 2", "**"}) {
    INFO(bad);
    CHECK(read(bad) == "bad");
  }
}

TEST_CASE("numbers are found in a set", "[set]") {
  auto set = *SequenceSet::parse("2:4,8", 10);
  CHECK_FALSE(set.contains(1));
  CHECK(set.contains(2));
  CHECK(set.contains(4));
  CHECK_FALSE(set.contains(5));
  CHECK(set.contains(8));
  CHECK(set.size() == 4);
  set.add(6);
  set.add(5);
  CHECK(set.text() == "2:6,8");
  set.add(1, 20);
  CHECK(set.text() == "1:20");
}

TEST_CASE("numbers in any order have a text", "[set]") {
  CHECK(number_text({2, 3, 4, 1, 7}) == "2:4,1,7");
  CHECK(number_text({}).empty());
}

TEST_CASE("dates and times", "[set]") {
  CHECK(parse_date_time("24-Nov-2026 03:22:15 +0000") == 1795490535);
  CHECK(parse_date_time(" 4-Nov-2026 03:22:15 +0100") ==
        parse_date_time("04-Nov-2026 02:22:15 +0000"));
  CHECK(format_date_time(1795490535, 0) == "24-Nov-2026 03:22:15 +0000");
  CHECK(format_date_time(1795490535, -5400) == "24-Nov-2026 01:52:15 -0130");
  for (const char* bad :
       {"", "bad date", "24-Nov-2026 03:22:15", "24-Foo-2026 03:22:15 +0000",
        "24-Nov-2026 25:22:15 +0000"}) {
    CHECK_FALSE(parse_date_time(bad));
  }
  CHECK(parse_date("1-Jan-1970") == 0);
  CHECK_FALSE(parse_date("1-Jan-70"));
}
