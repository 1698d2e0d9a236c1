#include "queue/verify/entry.h"

#include <catch2/catch.hpp>

using namespace mail::verify;

TEST_CASE("entries are read as they are written", "[verify]") {
  auto entry = Entry::parse("2:5:7:550 5.1.1 no: such user");
  REQUIRE(entry);
  CHECK(entry->status == 2);
  CHECK(entry->probed == 5);
  CHECK(entry->updated == 7);
  CHECK(entry->text == "550 5.1.1 no: such user");
  CHECK(entry->format() == "2:5:7:550 5.1.1 no: such user");
  for (auto bad : {"", "2", "2:5:7", "x:5:7:t", "9:0:0:t"}) {
    CHECK_FALSE(Entry::parse(bad));
  }
}

TEST_CASE("good and bad news count for times of their own", "[verify]") {
  Ages ages{100, 50, 10, 5, true};
  Entry good{0, 0, 1000, ""}, bad{2, 0, 1000, ""};
  CHECK_FALSE(expired(good, ages, 1100));
  CHECK(expired(good, ages, 1101));
  CHECK_FALSE(expired(bad, ages, 1010));
  CHECK(expired(bad, ages, 1011));
  CHECK_FALSE(stale(good, ages, 1050));
  CHECK(stale(good, ages, 1051));
  CHECK(stale(bad, ages, 1006));
  CHECK(being_probed({3, 1000, 0, ""}, 1999));
  CHECK_FALSE(being_probed({3, 1000, 0, ""}, 2000));
  CHECK(key_of("a:b@c") == "a_b@c");
}

TEST_CASE("bad news wait until good ones are too old", "[verify]") {
  Ages ages{100, 50, 10, 5, true};
  Entry good{0, 0, 1000, ""}, bad{2, 0, 1000, ""};
  CHECK_FALSE(accepts(good, 2, ages, 1100));
  CHECK(accepts(good, 2, ages, 1101));
  CHECK(accepts(good, 0, ages, 1001));
  CHECK(accepts(bad, 1, ages, 1001));
  CHECK(accepts(std::nullopt, 2, ages, 1000));
  ages.negative_cache = false;
  CHECK_FALSE(accepts(bad, 2, ages, 1001));
  CHECK_FALSE(accepts(std::nullopt, 1, ages, 1001));
  CHECK(accepts(std::nullopt, 0, ages, 1001));
}
