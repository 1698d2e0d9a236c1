#include "common/dkim/canonical.h"

#include <catch2/catch.hpp>

#include "common/base/base64.h"

namespace mail::dkim {

namespace {

/// The SHA-256 of `expected`, and that of `body` in every two-part split.
void check_body(Canon canon, std::string_view body, std::string_view expected,
                std::optional<uint64_t> limit = std::nullopt) {
  std::string wanted = crypto::digest(crypto::Hash::Sha256, expected);
  for (size_t cut = 0; cut <= body.size(); ++cut) {
    BodyHasher hasher(canon, crypto::Hash::Sha256, limit);
    hasher.update(body.substr(0, cut));
    hasher.update(body.substr(cut));
    INFO("cut at " << cut);
    CHECK(hasher.finish() == wanted);
    CHECK(hasher.size() == expected.size());
  }
  BodyHasher bytes(canon, crypto::Hash::Sha256, limit);
  for (char c : body) bytes.update(std::string_view(&c, 1));
  CHECK(bytes.finish() == wanted);
}

std::string header(Canon canon, std::string_view name, std::string_view value) {
  std::string out;
  canonicalize_header(canon, name, value, out);
  return out;
}

}  // namespace

TEST_CASE("simple bodies lose only empty lines at their end", "[dkim]") {
  check_body(Canon::Simple, "", "\r\n");
  check_body(Canon::Simple, "\r\n\r\n", "\r\n");
  check_body(Canon::Simple, " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n");
  check_body(Canon::Simple, "\r\n\r\na\r\n", "\r\n\r\na\r\n");
  check_body(Canon::Simple, "no line end", "no line end\r\n");
  check_body(Canon::Simple, "a\r\r\n\rb\n\r", "a\r\r\n\rb\n\r\r\n");
}

TEST_CASE("relaxed bodies lose blanks at line ends too", "[dkim]") {
  check_body(Canon::Relaxed, "", "");
  check_body(Canon::Relaxed, " \r\n\t\r\n\r\n", "");
  check_body(Canon::Relaxed, " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n");
  check_body(Canon::Relaxed, "\r\n \r\na\r\n", "\r\n\r\na\r\n");
  check_body(Canon::Relaxed, "a \t", "a\r\n");
  check_body(Canon::Relaxed, "a \rb", "a \rb\r\n");
}

TEST_CASE("l= cuts the canonical body", "[dkim]") {
  check_body(Canon::Simple, "abc\r\ndef\r\n", "abc\r\nd", 6);
  check_body(Canon::Relaxed, "a   b\r\n\r\n\r\nc\r\n", "a b\r\n\r", 6);
  check_body(Canon::Simple, "abc\r\n", "", 0);
}

TEST_CASE("empty bodies have the digests that everybody knows", "[dkim]") {
  BodyHasher simple(Canon::Simple, crypto::Hash::Sha256, std::nullopt);
  CHECK(base64_encode(simple.finish()) ==
        "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
  BodyHasher relaxed(Canon::Relaxed, crypto::Hash::Sha256, std::nullopt);
  CHECK(base64_encode(relaxed.finish()) ==
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST_CASE("header fields of RFC 6376, 3.4.5", "[dkim]") {
  CHECK(header(Canon::Relaxed, "A", " X") == "a:X");
  CHECK(header(Canon::Relaxed, "B ", " Y\t\r\n\tZ  ") == "b:Y Z");
  CHECK(header(Canon::Simple, "B ", " Y\t\r\n\tZ  ") == "B : Y\t\r\n\tZ  ");
  CHECK(header(Canon::Relaxed, "Subject", "") == "subject:");
}

TEST_CASE("FixCRLF makes CRLF of bare CR and LF, in any split", "[dkim]") {
  std::string_view text = "a\nb\rc\r\nd\r\r\n\n";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    LineEndFixer fixer;
    std::string out;
    fixer.update(text.substr(0, cut), out);
    fixer.update(text.substr(cut), out);
    fixer.finish(out);
    CHECK(out == "a\r\nb\r\nc\r\nd\r\n\r\n\r\n");
  }
}

}  // namespace mail::dkim
