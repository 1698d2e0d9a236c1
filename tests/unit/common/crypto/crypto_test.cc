#include <catch2/catch.hpp>
#include <set>

#include "common/crypto/digest.h"
#include "common/crypto/random.h"
#include "common/crypto/secret.h"

using namespace mail::crypto;

TEST_CASE("digests agree with their RFCs' test vectors", "[crypto]") {
  CHECK(hex(digest(Hash::Md5, "abc")) == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(hex(digest(Hash::Sha1, "abc")) ==
        "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex(digest(Hash::Sha256, "")) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(upper_hex(digest(Hash::Sha512, "abc")).substr(0, 16) ==
        "DDAF35A193617ABA");
  CHECK(hash_by_name("SHA256") == Hash::Sha256);
  CHECK_FALSE(hash_by_name("sha3"));
}

TEST_CASE("HMAC agrees with RFC 2202 and 4231, empty key too", "[crypto]") {
  CHECK(hex(hmac(Hash::Md5, "Jefe", "what do ya want for nothing?")) ==
        "750c783e6ab0b503eaa86e310a5db738");
  CHECK(hex(hmac(Hash::Sha256, "Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(hmac(Hash::Sha256, {}, {})) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("PBKDF2 agrees with RFC 6070", "[crypto]") {
  CHECK(hex(pbkdf2(Hash::Sha1, "password", "salt", 4096, 20)) ==
        "4b007901b765489abead49d926f721d065a429c1");
}

TEST_CASE("a hasher takes pieces, copies its state, begins anew", "[crypto]") {
  Hasher hasher(Hash::Sha1);
  hasher.update("a");
  Hasher copy(hasher);
  hasher.update("bc");
  CHECK(hasher.finish() == digest(Hash::Sha1, "abc"));
  CHECK(copy.finish() == digest(Hash::Sha1, "a"));
  CHECK(hasher.finish() == digest(Hash::Sha1, ""));
  Hasher moved(std::move(copy));
  moved.update("x");
  CHECK(moved.finish() == digest(Hash::Sha1, "x"));
}

TEST_CASE("hexadecimal reads what it writes and nothing else", "[crypto]") {
  CHECK(unhex("00fFa0") == std::string("\0\xff\xa0", 3));
  CHECK_FALSE(unhex("0"));
  CHECK_FALSE(unhex("0g"));
  CHECK(colon_hex("\x0a\xf3") == "0A:F3");
  CHECK(colon_hex("").empty());
}

TEST_CASE("random bytes differ, random_below stays below", "[crypto]") {
  CHECK(random_bytes(16) != random_bytes(16));
  std::set<uint32_t> seen;
  for (int i = 0; i < 500; ++i) seen.insert(random_below(7));
  CHECK(seen.size() == 7);
  CHECK(*seen.rbegin() == 6);
}

TEST_CASE("a secret moves and leaves nothing behind", "[crypto]") {
  Secret a(std::string("hunter2"));
  Secret b(std::move(a));
  CHECK(a.empty());
  CHECK(b.reveal() == "hunter2");
  b = Secret(std::string("next"));
  CHECK(b.reveal() == "next");
  CHECK(equal_in_constant_time("abc", "abc"));
  CHECK_FALSE(equal_in_constant_time("abc", "abd"));
  CHECK_FALSE(equal_in_constant_time("abc", "ab"));
}
