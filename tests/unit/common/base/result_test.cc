#include "common/base/result.h"

#include <catch2/catch.hpp>
#include <memory>

using namespace mail;

namespace {
Result<int> half(int n) {
  if (n % 2) return fail(Fault::Protocol, "odd");
  return n / 2;
}
Result<> check_even(int n) {
  TRY(half(n));
  return {};
}
Result<std::unique_ptr<int>> boxed_quarter(int n) {
  int h = TRY(half(n));
  TRY(check_even(h));
  return std::make_unique<int>(TRY(half(h)));
}
}  // namespace

TEST_CASE("TRY hands on the value or returns the error", "[base]") {
  CHECK(**boxed_quarter(8) == 2);
  auto odd = boxed_quarter(6);
  REQUIRE_FALSE(odd);
  CHECK(odd.error().fault == Fault::Protocol);
  CHECK(odd.error().what == "odd");
}

TEST_CASE("fail_errno says what failed and why", "[base]") {
  Result<> r = fail_errno("open /x", ENOENT);
  CHECK(r.error().what == "open /x: No such file or directory");
  CHECK(r.error().sys == ENOENT);
}
