#include "common/spf/macro.h"

#include <catch2/catch.hpp>

#include "common/spf/address.h"

using namespace mail::spf;

namespace {

/// The values of RFC 7208, 7.4.
MacroValues values(const char* client = "192.0.2.3") {
  MacroValues out;
  auto address = Address::parse(client);
  out.sender = "strong-bad@email.example.com";
  out.domain = "email.example.com";
  out.ip = address->dotted();
  out.helo = "mx.example.org";
  out.validated = "mx.example.org";
  out.protocol = address->v6 ? "ip6" : "in-addr";
  return out;
}

std::string expand(const char* text, const MacroValues& with = values()) {
  auto macro = MacroString::parse(text, MacroString::Use::Domain);
  return macro ? macro->expand(with) : "bad syntax";
}

}  // namespace

TEST_CASE("The expansion examples of RFC 7208 come out", "[spf]") {
  CHECK(expand("%{s}") == "strong-bad@email.example.com");
  CHECK(expand("%{o}") == "email.example.com");
  CHECK(expand("%{d}") == "email.example.com");
  CHECK(expand("%{d4}") == "email.example.com");
  CHECK(expand("%{d3}") == "email.example.com");
  CHECK(expand("%{d2}") == "example.com");
  CHECK(expand("%{d1}") == "com");
  CHECK(expand("%{dr}") == "com.example.email");
  CHECK(expand("%{d2r}") == "example.email");
  CHECK(expand("%{l}") == "strong-bad");
  CHECK(expand("%{l-}") == "strong.bad");
  CHECK(expand("%{lr}") == "strong-bad");
  CHECK(expand("%{lr-}") == "bad.strong");
  CHECK(expand("%{l1r-}") == "strong");
  CHECK(expand("%{ir}.%{v}._spf.%{d2}") ==
        "3.2.0.192.in-addr._spf.example.com");
  CHECK(expand("%{lr-}.lp._spf.%{d2}") == "bad.strong.lp._spf.example.com");
  CHECK(expand("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}") ==
        "bad.strong.lp.3.2.0.192.in-addr._spf.example.com");
  CHECK(expand("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}") ==
        "3.2.0.192.in-addr.strong.lp._spf.example.com");
  CHECK(expand("%{d2}.trusted-domains.example.net") ==
        "example.com.trusted-domains.example.net");
  CHECK(expand("%{ir}.%{v}._spf.%{d2}", values("2001:db8::cb01")) ==
        "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2."
        "ip6._spf.example.com");
}

TEST_CASE("Escapes stand for themselves and for blanks", "[spf]") {
  CHECK(expand("%%%_%-") == "% %20");
  CHECK(expand("%{S}") == "strong-bad%40email.example.com");
  for (const char* bad : {"%", "%a", "%{", "%{}", "%{q}", "%{d0}", "%{dx}",
                          "%{c}", "a b", "%{d2rr}", "\x80"}) {
    INFO(bad);
    CHECK(expand(bad) == "bad syntax");
  }
}

TEST_CASE("A domain ends with a macro or a top label", "[spf]") {
  auto ends = [](const char* text) {
    auto macro = MacroString::parse(text, MacroString::Use::Domain);
    return macro && macro->ends_as_domain();
  };
  CHECK(ends("%{d}"));
  CHECK(ends("a.example.com"));
  CHECK(ends("a.example.com."));
  CHECK(ends("%{l}.com"));
  CHECK_FALSE(ends("example"));
  CHECK_FALSE(ends("a.123"));
  CHECK_FALSE(ends("a.-b"));
  CHECK_FALSE(ends("a."));
  CHECK_FALSE(ends(""));
}

TEST_CASE("A name that is too long loses labels on its left", "[spf]") {
  std::string label(60, 'a');
  std::string name = label + "." + label + "." + label + "." + label + "." +
                     label + ".example";
  CHECK(as_name(name) == name.substr(61 * 2 - 61));
  CHECK(as_name(name).size() <= 253);
  CHECK(as_name("example.com.") == "example.com");
}

TEST_CASE("Addresses know their networks and reverse names", "[spf]") {
  auto v4 = *Address::parse("::ffff:192.0.2.129");
  CHECK_FALSE(v4.v6);
  CHECK(v4.text() == "192.0.2.129");
  CHECK(v4.reverse_name() == "129.2.0.192.in-addr.arpa");
  CHECK(v4.in(*Address::parse("192.0.2.128"), 25));
  CHECK_FALSE(v4.in(*Address::parse("192.0.2.0"), 25));
  CHECK(v4.in(*Address::parse("10.0.0.0"), 0));
  CHECK_FALSE(Address::parse("192.0.2"));
  CHECK_FALSE(Address::parse("x"));
  auto v6 = *Address::parse("2001:db8::1");
  CHECK(v6.in(*Address::parse("2001:db8::"), 127));
  CHECK_FALSE(v6.in(v4, 0));
}
