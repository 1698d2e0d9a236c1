#include "common/sasl/password.h"

#include <catch2/catch.hpp>
#include <set>

#include "common/base/ascii.h"
#include "common/crypto/digest.h"

using namespace mail;

namespace {

// What Debian's doveadm pw made of "secret", -u user@example.com.
constexpr std::string_view kVectors[] = {
    "{SHA1}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "{SSHA512}vH6PSw5YV/spqDfmEWXssLMoJtGv0hVliLbeaH3uv2wsf+tBMhTV8B/"
    "SBv+kR9gILpxk8u3Y/zUVa37ALP7FGNwcu5Q=",
    "{SCRAM-SHA-256}4096,Resd1Rw5SMNMnkx99KBcMQ==,"
    "816rMIBDN3C3ne2aRkG9ipVzeIO1dzQl6Ypqkv/xfMM=,w7EkLdL1q++AXbDxSa9DD/"
    "1WRAwCEf/RPNxKEDY5iTk=",
    "{BLF-CRYPT}$2y$05$XTyNxzH28KM.QVFqALHyA.jGsILYD2tXx9y35k8OV1AnznvReyv3a",
    "{PLAIN}secret",
    "{HMAC-MD5}"
    "cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56",
    "{OTP}sha1 1024 8d11c7a7212343fd 0b2b934c1807a4dc",
    "{SHA512}"
    "vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDu"
    "fKRpayrW/isg==",
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "{DES-CRYPT}yoAWtaa25H2w6",
    "{CRYPT}$2y$05$ARmvBcER6H0PkWUAg06uHOsopGvFmgAZ89SNAzMBKnKXSingFU66O",
    "{SSHA}XZFze8tXqewc2CvN0K9etIBYX4GZ3dl3",
    "{MD5-CRYPT}$1$tAQcTqIN$S3qMIv8bvH5APGXcMMt7t0",
    "{PLAIN-MD4}67d3dafef63ff00603aeef3769cfbf0d",
    "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69",
    "{SCRAM-SHA-1}4096,HDseLpj5E5htyRBI1B8M8w==,+KujrjqJIjt5Xqe4Cm8MrArnmvk=,"
    "wYsmgnb3mKl2r3LkQVps1ce5f9g=",
    "{SHA512-CRYPT}$6$TMFGRtEVuC53vrOj$6yPr/"
    "Y3UPpTbsddhSsVDd3tt64Sbw9NAxVNurzsmheBiWbAn75kCo9KVjf6x07LEGC."
    "4EWswxVbyWAzAWJZOc1",
    "{CLEAR}secret",
    "{CLEARTEXT}secret",
    "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$3F5eZIvpJ5zztfV04j4ipQ$"
    "aRZNL7wM7VziuK5NPt+KHkuTG+eAEiUS6EC7iiNwpN0",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$VvxzfaOUx/"
    "2AQnqg3qg3zA$9RuxMBeYrVjHI3SvH5Kz8/HTzu0FpzUwOD5rNqM7p8Q",
    "{SSHA256}0HupG1d7PwK4gBJ2LwOucUF1w76JxHY75VtGZr+kRH7mXMVX",
    "{MD5}$1$NkH.y4fy$j2KHLiW/Wycz6BhPyHd6Z1",
    "{PBKDF2}$1$QpcgtoKZk3/Wn9oU$5000$f410a674adef928a46f79624c6c1ee4c1ab91b7c",
    "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
    "{CRAM-MD5}"
    "cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56",
    "{PLAIN-TRUNC}secret",
    "{SHA256-CRYPT}$5$HbwjwXGg6qCmx/XL$MiaCvXBeRxxrg.OklChndbPnvfmM6qx21ehP6/"
    "Mbhb8",
    "{SMD5}Mwo8uIhaLOnOJMHrqwOW0wvV9Zs=",
    "{DIGEST-MD5}30969131580e626606ce70ceaab77719",
    "{LDAP-MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
    "{SHA256-CRYPT}$5$rounds=1000$I8LxgvtdG3.m8AY.$"
    "xeAaTBS5PeJmZFowj9wpC15HHVxvyok/dH2UdlOgJBA",
    "{SSHA256.HEX}"
    "89b2504d1a7562a88e95cf1b71b25bec2c9d6a998c009eea5205271f9e9aa760e4dcd7b7",
};

Result<bool> verify(std::string_view text, std::string_view plaintext,
                    std::string_view user = "user@example.com") {
  auto stored = sasl::split_stored(text);
  auto raw = TRY(sasl::decode_stored(stored.scheme, stored.data));
  return sasl::verify_password(stored.scheme, raw, plaintext, user);
}

}  // namespace

TEST_CASE("every scheme that the original wrote verifies", "[sasl]") {
  std::set<std::string> seen;
  for (auto text : kVectors) {
    INFO(text);
    auto scheme = sasl::split_stored(text).scheme;
    seen.insert(std::string(scheme));
    if (scheme == "PLAIN-TRUNC") continue;  // it writes no length
    auto good = verify(text, "secret");
    REQUIRE(good);
    CHECK(*good);
    auto bad = verify(text, "Secret");
    REQUIRE(bad);
    CHECK_FALSE(*bad);
  }
  for (auto name : sasl::scheme_names())
    CHECK(seen.contains(std::string(name)));
}

TEST_CASE("every scheme that we write verifies, and only that", "[sasl]") {
  sasl::HashOptions options;
  options.user = "user@example.com";
  for (auto name : sasl::scheme_names()) {
    INFO(name);
    auto hash = sasl::hash_password(name, "secret", options);
    REQUIRE(hash);
    if (name == "PLAIN-TRUNC") continue;
    std::string text = "{" + std::string(name) + "}" + *hash;
    CHECK(verify(text, "secret").value_or(false));
    CHECK_FALSE(verify(text, "").value_or(true));
    CHECK_FALSE(verify(text, "secret2").value_or(true));
  }
}

TEST_CASE("codings, rounds and names", "[sasl]") {
  CHECK(verify("{SHA256.HEX}"
               "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a2"
               "5b",
               "secret")
            .value_or(false));
  CHECK(verify("{sha.hex}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4", "secret")
            .value_or(false));
  CHECK(verify("{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4", "secret")
            .value_or(false));
  CHECK(verify("{MD5}5ebe2294ecd0e0f08eab7690d2a6ee69", "secret")
            .value_or(false));
  CHECK(verify("$1$Qc1XmvHe$8DuaGPCKASbPaSo8MflaJ.", "secret").value_or(false));
  CHECK(verify("{PLAIN-TRUNC}4-pass", "passXYZ").value_or(false));
  CHECK_FALSE(verify("{PLAIN-TRUNC}5-pass", "passXYZ").value_or(true));
  CHECK_FALSE(verify("{PLAIN-TRUNC}pass", "pass"));
  CHECK_FALSE(verify("{FOO}x", "x"));
  CHECK(verify("{FOO}x", "x").error().what == "Unknown scheme FOO");
  CHECK_FALSE(verify("{SHA}xx", "x"));
  CHECK_FALSE(verify("{SSHA}eHg=", "x"));
  CHECK_FALSE(verify("{PBKDF2}$1$a$b$c", "x"));
  CHECK_FALSE(verify("{ARGON2ID}nonsense", "x").value_or(true));
  CHECK_FALSE(verify("{SCRAM-SHA-1}1,2,3", "x"));
  CHECK_FALSE(verify("{CRYPT}", "").value_or(true));
  sasl::HashOptions options;
  options.rounds = 4;
  CHECK(sasl::hash_password("BLF-CRYPT", "x", options)->starts_with("$2y$04$"));
  options.rounds = 1000;
  CHECK(sasl::hash_password("SHA512-CRYPT", "x", options)
            ->starts_with("$6$rounds=1000$"));
  CHECK(sasl::is_slow("sha512-crypt"));
  CHECK_FALSE(sasl::is_slow("SSHA"));
  CHECK(sasl::is_plaintext("clear"));
}

TEST_CASE("mechanisms get what they need from what is stored", "[sasl]") {
  auto cram = sasl::credentials_for("CRAM-MD5", "PLAIN", "secret", "a");
  REQUIRE(cram);
  CHECK(crypto::hex(*cram) ==
        "cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56");
  CHECK(sasl::credentials_for("CRAM-MD5", "HMAC-MD5", "raw", "a") == "raw");
  CHECK_FALSE(sasl::credentials_for("SCRAM-SHA-256", "SCRAM-SHA-1", "x", "a"));
  CHECK_FALSE(sasl::credentials_for("CRAM-MD5", "SHA512-CRYPT", "x", "a"));
}
