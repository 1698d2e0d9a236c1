#include <catch2/catch.hpp>

#include "common/maps/address_find.h"
#include "common/maps/match_list.h"
#include "common/net/loop.h"
#include "tests/unit/common/maps/scratch.h"

namespace mail::maps {
namespace {

std::string texts(const std::vector<Key>& keys) {
  std::string out;
  for (const Key& key : keys) {
    if (!out.empty()) out += ' ';
    out += key.text;
    if (key.kind == KeyKind::Partial) out += '~';
  }
  return out;
}

struct List {
  Heard heard;
  MatchList list;
  List(std::string_view value, ListKind kind, bool parents = false) {
    list = MatchList::open("mylist", value, {kind, parents, heard.options()});
  }
  bool has(std::string_view name) {
    auto verdict = list.match_now(name);
    REQUIRE(verdict);
    REQUIRE(*verdict);
    return **verdict;
  }
  bool has(std::string_view name, std::string_view address) {
    auto verdict = list.match_now(name, address);
    REQUIRE(verdict);
    REQUIRE(*verdict);
    return **verdict;
  }
};

TEST_CASE("orders of keys", "[maps]") {
  AddressOptions options;
  options.delimiters = "+-";
  options.is_local = [](std::string_view domain) { return domain == "here"; };
  CHECK(texts(address_keys("u+e@here", options)) ==
        "u+e@here u@here~ u+e~ u~ @here~");
  CHECK(texts(address_keys("u+e@away", options)) == "u+e@away u@away~ @away~");
  CHECK(texts(address_keys("a b@away", options)) ==
        "\"a b\"@away a b@away @away~");
  CHECK(texts(address_keys("owner-list@away", options)) ==
        "owner-list@away @away~");
  CHECK(texts(address_keys("user", options)) == "user");
  CHECK(address_keys("u+e@away", options)[1].extension == "+e");
  CHECK(texts(transport_keys("u+e@a.b.c", "+", Parents::Dotted)) ==
        "u+e@a.b.c u@a.b.c~ a.b.c~ .b.c~ .c~");
  CHECK(texts(domain_keys("a.b.c", Parents::Plain)) == "a.b.c b.c~ c~");
  CHECK(texts(client_address_keys("192.0.2.1")) ==
        "192.0.2.1 192.0.2~ 192.0~ 192~");
  CHECK(texts(client_address_keys("2001:db8::1")) ==
        "2001:db8::1 2001:db8~ 2001~");
  CHECK(texts(access_address_keys("u+e@b.c", "+", Parents::Plain)) ==
        "u+e@b.c u@b.c~ b.c~ c~ u+e@~ u@~");
  CHECK(texts(mailbox_keys("u+e@b.c", "+")) == "u+e@b.c u@b.c~ @b.c~");
}

TEST_CASE("string lists are exact", "[maps]") {
  List list("Example.com, !no.example inline:{tab.example=x} last", {});
  CHECK(list.has("EXAMPLE.com"));
  CHECK_FALSE(list.has("sub.example.com"));
  CHECK(list.has("tab.example"));
  CHECK(list.has("last"));
  CHECK_FALSE(list.has("other"));
}

TEST_CASE("the first pattern that matches decides", "[maps]") {
  List list("!bad.example.com .example.com", ListKind::Domain);
  CHECK_FALSE(list.has("bad.example.com"));
  CHECK(list.has("good.example.com"));
  CHECK_FALSE(list.has("example.com"));
  List parents("example.com", ListKind::Domain, /*parents=*/true);
  CHECK(parents.has("a.b.example.com"));
  CHECK(parents.has("example.com"));
  CHECK_FALSE(parents.has("badexample.com"));
}

TEST_CASE("networks", "[maps]") {
  List list(
      "!192.0.2.7 192.0.2.0/24 [2001:db8::]/32 [::1] host.example cidr:{ "
      "{203.0.113.0/24 x} }",
      ListKind::Network);
  CHECK(list.has("unknown", "192.0.2.1"));
  CHECK_FALSE(list.has("unknown", "192.0.2.7"));
  CHECK(list.has("unknown", "2001:db8::99"));
  CHECK(list.has("unknown", "::1"));
  CHECK(list.has("host.example", "198.51.100.1"));
  CHECK(list.has("unknown", "203.0.113.9"));
  CHECK_FALSE(list.has("unknown", "198.51.100.1"));
  CHECK(list.heard.warnings.empty());
}

TEST_CASE("troubles of a list fail what gets so far", "[maps]") {
  List list("10.0.0.0/8 192.0.2.1/24", ListKind::Network);
  CHECK(list.heard.warnings ==
        std::vector<std::string>{
            "mylist: non-null host address bits in \"192.0.2.1/24\", perhaps "
            "you should use \"192.0.2.0/24\" instead"});
  CHECK(list.has("unknown", "10.1.1.1"));
  CHECK_FALSE(*list.list.match_now("unknown", "192.0.2.9"));
  List table("a fail:x", {});
  CHECK(table.has("a"));
  CHECK_FALSE(*table.list.match_now("b"));
  CHECK(table.heard.warnings ==
        std::vector<std::string>{"mylist: fail:x: table lookup problem"});
}

TEST_CASE("a file's patterns are part of the list", "[maps]") {
  Scratch scratch;
  std::string file = scratch.write("f", "# comment\none two\n\n!three\n");
  List list(file, {});
  CHECK(list.has("two"));
  CHECK_FALSE(list.has("three"));
  List inverse("!" + file, {});
  CHECK_FALSE(inverse.has("one"));
  CHECK(inverse.has("three"));
  List missing("/nonexist/file", {});
  CHECK_FALSE(*missing.list.match_now("x"));
}

TEST_CASE("the awaited match gives the same verdicts", "[maps]") {
  net::Loop loop;
  List list("!b.example .example inline:{c=1}", ListKind::Domain);
  CHECK(*loop.run(list.list.match("a.example")));
  CHECK_FALSE(*loop.run(list.list.match("b.example")));
  CHECK(*loop.run(list.list.match("c")));
}

}  // namespace
}  // namespace mail::maps
