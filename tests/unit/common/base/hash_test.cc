#include "common/base/hash.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "common/base/varint.h"

using namespace mail;

TEST_CASE("a hash hangs on every byte and on the length", "[hash]") {
  std::string text(40, 'a');
  std::set<uint64_t> seen;
  for (size_t n = 0; n <= text.size(); ++n) {
    seen.insert(hash64(text.substr(0, n)));
    seen.insert(hash64(std::string(n, '\0') + "x"));
  }
  for (size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = 'b';
    seen.insert(hash64(other));
  }
  CHECK(seen.size() == 41 + 41 + 40);
  // Kept in files: it may not change.
  CHECK(hash64("1546302300.1@mail.example.org") == 0x2de8895d1683b7a0);
}

TEST_CASE("numbers of few bytes come back", "[varint]") {
  std::string out;
  for (uint64_t n : {uint64_t{0}, uint64_t{127}, uint64_t{128}, UINT64_MAX}) {
    put_varint(out, n);
  }
  CHECK(out.size() == 1 + 1 + 2 + 10);
  std::string_view in = out;
  for (uint64_t n : {uint64_t{0}, uint64_t{127}, uint64_t{128}, UINT64_MAX}) {
    CHECK(take_varint(in) == n);
  }
  CHECK_FALSE(take_varint(in));
  for (const char* bad : {"\x80", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"}) {
    in = bad;
    CHECK_FALSE(take_varint(in));
    CHECK(in == bad);
  }
  for (int64_t n : {int64_t{0}, int64_t{-1}, int64_t{63}, INT64_MIN}) {
    CHECK(unfold_sign(fold_sign(n)) == n);
  }
  CHECK(fold_sign(-1) == 1);
}
