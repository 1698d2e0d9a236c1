#include "common/spf/check.h"

#include <fmt/core.h>

#include "tests/unit/common/spf/zone.h"

using namespace mail::spf;
using Type = Question::Type;

namespace {

/// RFC 7208, appendix A.
Zone appendix_a(const std::string& record) {
  Zone zone;
  zone.txt("example.com", record);
  zone.texts(Type::Mx, "example.com",
             {"mail-a.example.com", "mail-b.example.com"});
  zone.a("example.com", {"192.0.2.10", "192.0.2.11"});
  zone.a("amy.example.com", {"192.0.2.65"});
  zone.a("bob.example.com", {"192.0.2.66"});
  zone.a("mail-a.example.com", {"192.0.2.129"});
  zone.a("mail-b.example.com", {"192.0.2.130"});
  zone.texts(Type::Mx, "example.org", {"mail-c.example.org"});
  zone.a("mail-c.example.org", {"192.0.2.140"});
  auto reverse = [&](const char* last, const char* name) {
    zone.texts(Type::Ptr, std::string(last) + ".2.0.192.in-addr.arpa", {name});
  };
  reverse("10", "example.com");
  reverse("11", "example.com");
  reverse("65", "amy.example.com");
  reverse("66", "bob.example.com");
  reverse("129", "mail-a.example.com");
  reverse("130", "mail-b.example.com");
  reverse("140", "mail-c.example.org");
  zone.texts(Type::Ptr, "4.0.0.10.in-addr.arpa", {"bob.example.com"});
  return zone;
}

/// Which of A's hosts pass, of 10 11 65 66 129 130 140 of 192.0.2.
std::string passing(const std::string& record) {
  Zone zone = appendix_a(record);
  std::string out;
  for (const char* last : {"10", "11", "65", "66", "129", "130", "140"}) {
    auto client = std::string("192.0.2.") + last;
    if (zone.outcome(client.c_str(), "x@example.com") == Outcome::Pass) {
      out += std::string(out.empty() ? "" : " ") + last;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("The simple examples of RFC 7208 pass whom they should", "[spf]") {
  CHECK(passing("v=spf1 +all") == "10 11 65 66 129 130 140");
  CHECK(passing("v=spf1 a -all") == "10 11");
  CHECK(passing("v=spf1 a:example.org -all") == "");
  CHECK(passing("v=spf1 mx -all") == "129 130");
  CHECK(passing("v=spf1 mx:example.org -all") == "140");
  CHECK(passing("v=spf1 mx mx:example.org -all") == "129 130 140");
  CHECK(passing("v=spf1 mx/30 mx:example.org/30 -all") == "129 130 140");
  CHECK(passing("v=spf1 ptr -all") == "10 11 65 66 129 130");
  CHECK(passing("v=spf1 ip4:192.0.2.128/28 -all") == "129 130 140");
}

TEST_CASE("A name that does not lead back is not validated", "[spf]") {
  Zone zone = appendix_a("v=spf1 ptr -all");
  CHECK(zone.outcome("10.0.0.4", "x@example.com") == Outcome::Fail);
}

TEST_CASE("The multiple domain example of RFC 7208 A.2", "[spf]") {
  Zone zone = appendix_a("v=spf1 a:mail-a.example.com -all");
  zone.txt("example.org",
           "v=spf1 include:example.com include:example.net -all");
  zone.txt("example.net", "v=spf1 ip4:192.0.2.140 -all");
  zone.txt("la.example.org", "v=spf1 redirect=example.org");
  CHECK(zone.outcome("192.0.2.129", "x@example.org") == Outcome::Pass);
  CHECK(zone.outcome("192.0.2.140", "x@la.example.org") == Outcome::Pass);
  CHECK(zone.outcome("192.0.2.10", "x@la.example.org") == Outcome::Fail);
}

TEST_CASE("The DNSBL style and per-user examples of RFC 7208 A", "[spf]") {
  Zone zone = appendix_a("");
  zone.txt("example.com",
           "v=spf1 exists:%{l1r+}.%{d} "
           "-include:mobile-users._spf.%{d} ?all");
  zone.txt("mobile-users._spf.example.com",
           "v=spf1 exists:%{l}.mobile.example.com -all");
  zone.a("mary.mobile.example.com", {"127.0.0.2"});
  zone.a("mary.example.com", {"127.0.0.2"});
  CHECK(zone.outcome("1.2.3.4", "mary+tag@example.com") == Outcome::Pass);
  CHECK(zone.outcome("1.2.3.4", "joe@example.com") == Outcome::Neutral);
}

TEST_CASE("Qualifiers give their results, the default is neutral", "[spf]") {
  struct {
    const char* record;
    Outcome outcome;
  } cases[] = {{"v=spf1 -all", Outcome::Fail},
               {"v=spf1 ~all", Outcome::SoftFail},
               {"v=spf1 ?all", Outcome::Neutral},
               {"v=spf1 all", Outcome::Pass},
               {"v=spf1", Outcome::Neutral},
               {"v=spf1 ip4:10.0.0.0/8", Outcome::Neutral},
               {"V=SPF1 -ALL", Outcome::Fail},
               {"v=spf10 -all", Outcome::None}};
  for (const auto& c : cases) {
    Zone zone;
    zone.txt("example.com", c.record);
    INFO(c.record);
    CHECK(zone.outcome("192.0.2.1", "a@example.com") == c.outcome);
  }
}

TEST_CASE("Syntax is checked before anything matches", "[spf]") {
  for (const char* record :
       {"v=spf1 all foo:bar", "v=spf1 all ip4:300.0.0.1", "v=spf1 all a:",
        "v=spf1 all include", "v=spf1 all ip4:1.2.3.4/33", "v=spf1 all a/033",
        "v=spf1 all ip6:1.2.3.4", "v=spf1 all redirect=x.org redirect=y.org",
        "v=spf1 all a:%{x}.org", "v=spf1 all a:example", "v=spf1 all all:x.org",
        "v=spf1 all exists:%{d0}.org", "v=spf1 all exists:a.%", "v=spf1 all -",
        "v=spf1 all a//129"}) {
    Zone zone;
    zone.txt("example.com", record);
    INFO(record);
    CHECK(zone.outcome("192.0.2.1", "a@example.com") == Outcome::PermError);
  }
  Zone zone;
  zone.txt("example.com", "v=spf1 all foo:bar");
  CHECK(zone.check("192.0.2.1", "a@example.com").text ==
        "Unknown mechanism found: foo:bar");
}

TEST_CASE("Unknown modifiers are ignored", "[spf]") {
  Zone zone;
  zone.txt("example.com", "v=spf1 x-y.z=%{d} ip4:192.0.2.1 -all");
  CHECK(zone.outcome("192.0.2.1", "a@example.com") == Outcome::Pass);
}

TEST_CASE("Two records, or none, are told apart", "[spf]") {
  Zone zone;
  zone.texts(Type::Txt, "two.example", {"v=spf1 all", "v=spf1 -all"});
  zone.texts(Type::Txt, "other.example", {"google-verification=x", "v=spf1 a"});
  zone.fails(Type::Txt, "fails.example");
  CHECK(zone.outcome("192.0.2.1", "a@two.example") == Outcome::PermError);
  CHECK(zone.outcome("192.0.2.1", "a@none.example") == Outcome::None);
  CHECK(zone.outcome("192.0.2.1", "a@other.example") == Outcome::Neutral);
  CHECK(zone.outcome("192.0.2.1", "a@fails.example") == Outcome::TempError);
  CHECK(zone.outcome("192.0.2.1", "a@localhost") == Outcome::None);
  CHECK(zone.outcome("192.0.2.1", "a@" + std::string(64, 'a') + ".example") ==
        Outcome::None);
  CHECK(zone.outcome("192.0.2.1", "a@a..example") == Outcome::None);
}

TEST_CASE("include and redirect need a record at their target", "[spf]") {
  Zone zone;
  zone.txt("i.example", "v=spf1 include:none.example all");
  zone.txt("r.example", "v=spf1 redirect=none.example");
  zone.txt("t.example", "v=spf1 include:fails.example all");
  zone.txt("all.example", "v=spf1 all redirect=none.example");
  zone.fails(Type::Txt, "fails.example");
  CHECK(zone.outcome("192.0.2.1", "a@i.example") == Outcome::PermError);
  CHECK(zone.outcome("192.0.2.1", "a@r.example") == Outcome::PermError);
  CHECK(zone.outcome("192.0.2.1", "a@t.example") == Outcome::TempError);
  CHECK(zone.outcome("192.0.2.1", "a@all.example") == Outcome::Pass);
}

TEST_CASE("More than ten terms that ask DNS are an error", "[spf]") {
  for (int terms : {10, 11}) {
    Zone zone;
    std::string record = "v=spf1";
    for (int i = 0; i < terms; ++i) {
      std::string name = fmt::format("h{}.example", i);
      record += " a:" + name;
      zone.a(name, {"10.0.0.1"});
    }
    zone.txt("example.com", record + " all");
    CHECK(zone.outcome("192.0.2.1", "a@example.com") ==
          (terms == 10 ? Outcome::Pass : Outcome::PermError));
  }
}

TEST_CASE("A record that includes itself ends", "[spf]") {
  Zone zone;
  zone.txt("loop.example", "v=spf1 include:loop.example all");
  zone.txt("turn.example", "v=spf1 redirect=turn.example");
  CHECK(zone.outcome("192.0.2.1", "a@loop.example") == Outcome::PermError);
  CHECK(zone.outcome("192.0.2.1", "a@turn.example") == Outcome::PermError);
}

TEST_CASE("More than two lookups without answer are an error", "[spf]") {
  Zone zone;
  zone.txt("two.example", "v=spf1 a:x.example mx:y.example all");
  zone.txt("three.example",
           "v=spf1 a:x.example mx:y.example exists:z.example all");
  CHECK(zone.outcome("192.0.2.1", "a@two.example") == Outcome::Pass);
  auto verdict = zone.check("192.0.2.1", "a@three.example");
  CHECK(verdict.outcome == Outcome::PermError);
  CHECK(verdict.text == "Void lookup limit of 2 exceeded");
}

TEST_CASE("An mx of more than ten hosts is an error", "[spf]") {
  Zone zone;
  std::vector<std::string> hosts;
  for (int i = 0; i < 11; ++i) {
    hosts.push_back(fmt::format("h{}.example", i));
    zone.a(hosts.back(), {"10.0.0.1"});
  }
  zone.texts(Type::Mx, "example.com", hosts);
  zone.txt("example.com", "v=spf1 mx all");
  CHECK(zone.outcome("192.0.2.1", "a@example.com") == Outcome::PermError);
}

TEST_CASE("IPv6 clients have their own mechanisms and prefixes", "[spf]") {
  Zone zone;
  zone.txt("example.com", "v=spf1 ip6:2001:db8:1::/48 a:host.example//64 -all");
  zone.a("host.example", {"2001:db8:2::1", "192.0.2.1"});
  CHECK(zone.outcome("2001:db8:1::99", "a@example.com") == Outcome::Pass);
  CHECK(zone.outcome("2001:db8:2::99", "a@example.com") == Outcome::Pass);
  CHECK(zone.outcome("2001:db8:3::1", "a@example.com") == Outcome::Fail);
  CHECK(zone.outcome("::ffff:192.0.2.1", "a@example.com") == Outcome::Pass);
  CHECK(zone.outcome("192.0.2.2", "a@example.com") == Outcome::Fail);
}

TEST_CASE("An explanation is expanded with the receiver's macros", "[spf]") {
  Zone zone;
  zone.txt("example.com", "v=spf1 -all exp=why.%{d}");
  zone.txt("why.example.com", "See %{S} from %{c} at %{r}: %{p} %% %_ %{h}");
  auto verdict = zone.check("192.0.2.1", "a@example.com");
  CHECK(verdict.text ==
        "See a%40example.com from 192.0.2.1 at receiver.example.net: "
        "unknown %   mx.example.org");
  CHECK_FALSE(verdict.only_all);
  zone.txt("no-mail.example", "v=spf1 -all");
  CHECK(zone.check("192.0.2.1", "a@no-mail.example").only_all);
  zone.texts(Type::Txt, "why.example.com", {"a", "b"});
  CHECK(zone.check("192.0.2.1", "a@example.com").text == "");
}

TEST_CASE("The explanation of an include is not used", "[spf]") {
  Zone zone;
  zone.txt("example.com", "v=spf1 include:other.example -all");
  zone.txt("other.example", "v=spf1 -all exp=why.example");
  zone.txt("why.example", "not this");
  CHECK(zone.check("192.0.2.1", "a@example.com").text == "");
  zone.txt("moved.example", "v=spf1 redirect=other.example");
  CHECK(zone.check("192.0.2.1", "a@moved.example").text == "not this");
}
