#include <catch2/catch.hpp>

#include "common/dkim/auth_results.h"
#include "common/dkim/key_record.h"
#include "common/dkim/tag_list.h"

namespace mail::dkim {

namespace {

constexpr char kGood[] =
    " v=1; a=rsa-sha256; c=relaxed/simple; d=example.com; s=sel; t=100;"
    " h=From:To; bh=AAAA; b=AAAA";

Status with(std::string_view what, std::string_view instead,
            int64_t now = 1000) {
  std::string text = kGood;
  size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  text.replace(at, what.size(), instead);
  return read_signature(text, now, 300).status;
}

std::string problem(std::string_view text) {
  auto parsed = TagList::parse(text, "key data");
  return parsed ? "" : parsed.error().what;
}

Status key(std::string_view text) { return read_key_record(text).status; }

}  // namespace

TEST_CASE("tag lists name what is wrong and where", "[dkim]") {
  CHECK(problem("v=DKIM1; p=abc;") == "");
  CHECK(problem("this is junk") ==
        "syntax error in key data (ASCII 0x69 at offset 5)");
  CHECK(problem("v=DKIM1; p") == "tag without value at end of key data");
  CHECK(problem("v=\x80") ==
        "invalid character (ASCII 0x80 at offset 2) in key data");
  auto tags = TagList::parse(" a = x y ;\r\n\tb=; a=2 ", "key data");
  REQUIRE(tags);
  CHECK(*tags->find("a") == "2");
  CHECK(*tags->find("b") == "");
  CHECK(tags->find("c") == nullptr);
}

TEST_CASE("what is wrong with a signature by itself", "[dkim]") {
  CHECK(with("", "") == Status::Unknown);
  CHECK(with("v=1;", "v=2;") == Status::BadVersion);
  CHECK(with("v=1;", "v=;") == Status::VersionEmpty);
  CHECK(with("v=1;", "") == Status::Malformed);
  CHECK(with("s=sel", "s=") == Status::SelectorEmpty);
  CHECK(with("d=example.com", "d=") == Status::DomainEmpty);
  CHECK(with("c=relaxed/simple", "c=loose") == Status::BadHeaderMethod);
  CHECK(with("c=relaxed/simple", "c=Simple/x") == Status::BadBodyMethod);
  CHECK(with("a=rsa-sha256", "a=rsa-md5") == Status::BadAlgorithm);
  CHECK(with("a=rsa-sha256", "a=RSA-SHA256") == Status::Unknown);
  CHECK(with("h=From:To", "h=To") == Status::HeadersIncomplete);
  CHECK(with("h=From:To", "h=") == Status::HeadersEmpty);
  CHECK(with("bh=AAAA;", "") == Status::BodyHashMissing);
  CHECK(with("b=AAAA", "b=") != Status::Unknown);
  CHECK(with("t=100", "t=100; i=a@sub.example.com") == Status::Unknown);
  CHECK(with("t=100", "t=100; i=a@badexample.com") == Status::BadIdentity);
  CHECK(with("t=100", "t=100; i=example.com") == Status::BadIdentity);
  CHECK(with("t=100", "t=100; q=dns/txt:x") == Status::Unknown);
  CHECK(with("t=100", "t=100; q=dns") == Status::BadQuery);
  CHECK(with("t=100", "t=100; l=-1") == Status::BadLength);
}

TEST_CASE("times are judged with drift", "[dkim]") {
  CHECK(with("t=100", "t=100; x=699") == Status::Expired);
  CHECK(with("t=100", "t=100; x=701") == Status::Unknown);
  CHECK(with("t=100", "t=1301") == Status::InFuture);
  CHECK(with("t=100", "t=1300") == Status::Unknown);
  CHECK(with("t=100", "t=1000; x=1000") == Status::BadOrder);
  CHECK(with("t=100", "t=1x") == Status::Malformed);
  CHECK(with("t=100", "t=100; x=99999999999999999999") == Status::Unknown);
}

TEST_CASE("the identity is decoded", "[dkim]") {
  auto signature = read_signature(
      " v=1; a=rsa-sha256; d=example.com; s=s; i=j=6Fe@example.com;"
      " h=from; bh=AA; b=\r\n\tA A",
      0, 300);
  CHECK(signature.identity == "joe@example.com");
  CHECK(signature.data_text == "AA");
  CHECK(signature.key_name() == "s._domainkey.example.com");
}

TEST_CASE("key records", "[dkim]") {
  CHECK(key("v=DKIM2; p=AAAA") == Status::KeyVersion);
  CHECK(key("") == Status::KeyCorrupt);
  CHECK(key("junk") == Status::KeyCorrupt);
  CHECK(key("v=DKIM1; p=") == Status::KeyRevoked);
  CHECK(key("v=DKIM1; h=md5; p=AAAA") == Status::KeyHashUnknown);
  CHECK(key("v=DKIM1; s=tlsrpt; p=AAAA") == Status::KeyService);
  CHECK(key("v=DKIM1; k=dsa; p=AAAA") == Status::KeyTypeUnknown);
  CHECK(key("v=DKIM1; p=AAAA") == Status::KeyUnusable);
  auto good = read_key_record(
      "k=ed25519; t=y:s; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  CHECK(good.status == Status::Good);
  CHECK(good.testing);
  auto signature = read_signature(kGood, 1000, 300);
  CHECK(match_key(good, signature) == Status::KeyTypeMismatch);
  signature.algorithm = Algorithm::Ed25519Sha256;
  CHECK(match_key(good, signature) == Status::Good);
  signature.identity = "@a.example.com";
  CHECK(match_key(good, signature) == Status::Subdomain);
}

TEST_CASE("of several TXT records the one key counts", "[dkim]") {
  CHECK(choose_key_record({"v=spf1 -all", "v=DKIM1; p=A"}) == "v=DKIM1; p=A");
  CHECK_FALSE(choose_key_record({"p=A", "p=B"}));
  CHECK(choose_key_record({"junk"}) == "junk");
}

TEST_CASE("Authentication-Results are read", "[dkim]") {
  auto read = [](std::string_view text) { return *read_auth_results(text); };
  auto a = read(
      " mx.example.org;\n\tdkim=pass (2048-bit; \"x\") "
      "header.d=example.com header.i=@example.com reason=\"a; b\";"
      "\n\tdkim-atps=neutral");
  CHECK(a.authserv_id == "mx.example.org");
  CHECK(a.well_formed);
  REQUIRE(a.methods.size() == 2);
  CHECK(a.methods[0].method == "dkim");
  CHECK(a.methods[1].result == "neutral");
  CHECK(read("host/4ABC; dkim = pass").authserv_id == "host/4ABC");
  CHECK(read("host 1; spf/1=fail smtp.mailfrom=a@b").methods[0].method ==
        "spf");
  CHECK(read("(c (d)) host; none").methods.empty());
  CHECK(read("host").well_formed);
  CHECK_FALSE(read("host; dkim").well_formed);
  CHECK_FALSE(read("host; dkim=pass (open").well_formed);
  CHECK_FALSE(read_auth_results(" ; dkim=pass"));
}

TEST_CASE("results fold between items only", "[dkim]") {
  CHECK(fold_auth_results(
            {"mx.example.org;", "dkim=none;", "dkim-atps=neutral"}) ==
        "mx.example.org; dkim=none; dkim-atps=neutral");
  std::string item(90, 'x');
  CHECK(fold_auth_results({"mx;", item + ";", "dkim-atps=neutral"}) ==
        "mx;\n\t" + item + ";\n\tdkim-atps=neutral");
}

}  // namespace mail::dkim
