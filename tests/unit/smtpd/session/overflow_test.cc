#include "smtpd/overflow.h"

#include <catch2/catch.hpp>
#include <filesystem>

using namespace mail;
using smtpd::Overflow;

namespace {

std::string all_of(const Overflow& kept, size_t piece) {
  std::string out;
  while (out.size() < kept.size()) {
    auto some = kept.read(out.size(), piece);
    REQUIRE(some);
    REQUIRE_FALSE(some->empty());
    REQUIRE(some->size() <= piece);
    out += *some;
  }
  CHECK(kept.read(out.size(), piece)->empty());
  return out;
}

}  // namespace

TEST_CASE("what waits comes back as it was put in", "[smtpd]") {
  auto directory = std::filesystem::temp_directory_path();
  for (size_t total : {size_t{0}, size_t{10}, Overflow::kInMemory,
                       3 * Overflow::kInMemory + 77}) {
    CAPTURE(total);
    Overflow kept(directory.string());
    std::string text;
    while (text.size() < total) {
      std::string piece(std::min<size_t>(50000, total - text.size()),
                        static_cast<char>('a' + text.size() % 26));
      REQUIRE(kept.append(piece));
      text += piece;
    }
    CHECK(kept.size() == total);
    CHECK(all_of(kept, 65536) == text);
  }
}

TEST_CASE("a little needs no file, much says why there is none", "[smtpd]") {
  Overflow kept("/nowhere/at/all");
  REQUIRE(kept.append("little"));
  CHECK(*kept.read(0, 100) == "little");
  auto done = kept.append(std::string(Overflow::kInMemory, 'x'));
  REQUIRE_FALSE(done);
  CHECK(done.error().what.find("/nowhere/at/all") != std::string::npos);
}
