#include "common/maps/address_map.h"

#include <catch2/catch.hpp>

#include "common/net/loop.h"

namespace mail::maps {
namespace {

net::Task<Result<bool>> ours(std::string domain) {
  co_return domain == "ours.example";
}
net::Task<Result<std::string>> completed(std::string address) {
  if (address.find('@') == std::string::npos) address += "@ours.example";
  co_return address;
}

net::Task<Result<MappedAddress>> look_up(Tables* tables, std::string address,
                                         bool propagate) {
  AddressMapping mapping;
  mapping.delimiters = "+";
  mapping.propagate = propagate;
  mapping.is_local = ours;
  mapping.complete = completed;
  auto found = co_await map_address(*tables, std::move(address), mapping);
  co_return found;
}

/// The results with commas; "(none)", or "failed".
std::string map(const std::string& entries, std::string address,
                bool propagate = false) {
  net::Loop loop;
  auto tables = Tables::open("test_maps", "inline:{" + entries + "}");
  REQUIRE(tables);
  auto found = loop.run(look_up(&*tables, std::move(address), propagate));
  if (!found) return "failed";
  if (!found->found) return "(none)";
  std::string out;
  for (const auto& one : found->addresses) {
    if (!out.empty()) out += ',';
    out += one.empty() ? "<>" : one;
  }
  return out;
}

}  // namespace

TEST_CASE("addresses are looked up whole, plain, local, by domain", "[maps]") {
  std::string entries =
      "{a+x@ours.example = one@out} {a@ours.example = two@out} "
      "{b = three@out} {@far.example = four@out}";
  CHECK(map(entries, "a+x@ours.example") == "one@out");
  CHECK(map(entries, "a+y@ours.example") == "two@out");
  CHECK(map(entries, "A@OURS.example") == "two@out");
  CHECK(map(entries, "b@ours.example") == "three@out");
  CHECK(map(entries, "b+z@ours.example") == "three@out");
  CHECK(map(entries, "b@other.example") == "(none)");
  CHECK(map(entries, "any@far.example") == "four@out");
  CHECK(map(entries, "") == "(none)");
}

TEST_CASE("an extension outside the key goes over if it shall", "[maps]") {
  std::string entries = "{a@x = b@y} {@d = @e} {c+e@x = f@y}";
  CHECK(map(entries, "a+q@x", true) == "b+q@y");
  CHECK(map(entries, "a+q@x", false) == "b@y");
  CHECK(map(entries, "c+e@x", true) == "f@y");  // the key had it
  CHECK(map(entries, "u+v@d", true) == "u+v@e");
  CHECK(map(entries, "u+v@d", false) == "u+v@e");
}

TEST_CASE("results are completed; one lookup, no recursion", "[maps]") {
  std::string entries = "{a@x = bare} {b@x = c@x, d@x} {c@x = e@x} {n@x = <>}";
  CHECK(map(entries, "a@x") == "bare@ours.example");
  CHECK(map(entries, "b@x") == "c@x,d@x");
  CHECK(map(entries, "n@x") == "<>");
}

TEST_CASE("a result without an address is a failure", "[maps]") {
  CHECK(map("{a@x = ,}", "a@x") == "failed");
}

}  // namespace mail::maps
