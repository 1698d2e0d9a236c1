#include <catch2/catch.hpp>

#include "common/net/loop.h"
#include "delivery/smtp/tls_policy.h"
#include "tests/unit/common/config/fixture.h"

using namespace mail;
using config::ClientMode;
using smtpc::TlsPolicies;
using tls::Level;

namespace {

struct Site {
  config::SettingsPtr settings;
  std::optional<TlsPolicies> policies;

  explicit Site(const std::string& main_cf) {
    config::Fixture fixture(main_cf);
    auto loaded = fixture.load();
    REQUIRE(loaded);
    settings = *loaded;
    auto opened = TlsPolicies::open(*settings, ClientMode::Smtp, {});
    REQUIRE(opened);
    policies = std::move(*opened);
  }
  Result<tls::ClientPolicy> find(std::string_view nexthop) {
    net::Loop loop;
    auto where = smtpc::parse_destination(nexthop, "25", ClientMode::Smtp);
    REQUIRE(where);
    return loop.run(policies->find(*where));
  }
  std::string problem(std::string_view value) {
    std::vector<std::string> notes;
    auto parsed = policies->parse(value, "d", &notes);
    if (parsed) return notes.empty() ? "" : notes.front();
    return parsed.error().what;
  }
};

constexpr char kTable[] =
    "smtp_tls_security_level = may\n"
    "smtp_tls_policy_maps = inline:{ {d.example = encrypt} "
    "{.p.example = none} {[h.example]:587 = secure match=a:b} "
    "{bad.example = whatever} }\n";

}  // namespace

TEST_CASE("a policy is found by the destination as written", "[smtpc]") {
  Site site(kTable);
  CHECK(site.find("d.example")->level == Level::Encrypt);
  CHECK(site.find("d.example:25")->level == Level::May);
  CHECK(site.find("[d.example]")->level == Level::May);
  CHECK(site.find("sub.p.example")->level == Level::None);
  CHECK(site.find("[sub.p.example]")->level == Level::May);
  auto secure = site.find("[h.example]:587");
  REQUIRE(secure);
  CHECK(secure->level == Level::Secure);
  CHECK(secure->match == std::vector<std::string>{"a", "b"});
  CHECK_FALSE(site.find("bad.example"));
}

TEST_CASE("main.cf says what names a certificate must bear", "[smtpc]") {
  Site site("smtp_tls_security_level = secure\n");
  CHECK(site.find("x")->match ==
        std::vector<std::string>{"nexthop", "dot-nexthop"});
  Site verify("smtp_tls_security_level = verify\n");
  CHECK(verify.find("x")->match == std::vector<std::string>{"hostname"});
  Site old("smtp_enforce_tls = yes\n");
  CHECK(old.policies->main_level() == Level::Verify);
  CHECK_FALSE(Site("").policies->used());
}

TEST_CASE("what is wrong with a policy is said by name", "[smtpc]") {
  Site site(kTable);
  std::string front = "smtp_tls_policy_maps, next-hop destination \"d\": ";
  CHECK(site.problem("encrypt protocols=>=TLSv1.2 ciphers=high") == "");
  CHECK(site.problem(" ") == front + "invalid empty policy");
  CHECK(site.problem("mayx") == front + "invalid security level \"mayx\"");
  CHECK(site.problem("may x") ==
        front +
            "malformed attribute/value pair \"x\": missing '=' after "
            "attribute name");
  CHECK(site.problem("may ciphers=") ==
        front + "attribute \"ciphers\" has empty value");
  CHECK(site.problem("may ciphers=high ciphers=low") ==
        front + "attribute \"ciphers\" is specified multiple times");
  CHECK(site.problem("encrypt match=a") ==
        front + "attribute \"match\" invalid at security level \"encrypt\"");
  CHECK(site.problem("may color=red") ==
        front + "invalid attribute name: \"color\"");
  CHECK(site.problem("none ciphers=high") ==
        front + "ignoring attribute \"ciphers=high\" with TLS disabled");
}
