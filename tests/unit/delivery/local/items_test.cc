#include "delivery/local/items.h"

#include <catch2/catch.hpp>

using namespace mail::local;
using Kind = Item::Kind;
using Items = std::vector<Item>;

TEST_CASE("aliases name addresses, commands, files and lists") {
  CHECK(parse_items("a, \"|cmd 'x, y' arg\", /var/f, :include:/etc/l, b@c",
                    "") == Items{{Kind::Address, "a"},
                                 {Kind::Command, "cmd 'x, y' arg"},
                                 {Kind::File, "/var/f"},
                                 {Kind::Include, "/etc/l"},
                                 {Kind::Address, "b@c"}});
  CHECK(parse_items("|/bin/cat", "") == Items{{Kind::Command, "/bin/cat"}});
  CHECK(parse_items("\":include:/a b\"", "") == Items{{Kind::Include, "/a b"}});
  CHECK(parse_items("", "").empty());
  CHECK(parse_items(", ,", "").empty());
}

TEST_CASE("~/ is a home directory only if one is known") {
  CHECK(parse_items("~/box", "/home/a") == Items{{Kind::File, "/home/a/box"}});
  CHECK(parse_items("~/box", "")[0].kind == Kind::Address);
}

TEST_CASE("a .forward has comments and many lines") {
  CHECK(parse_lines("# me\n\\alice\n\nbob, carol\r\n", "/home/alice") ==
        Items{{Kind::Address, "\\alice"},
              {Kind::Address, "bob"},
              {Kind::Address, "carol"}});
}

TEST_CASE("any text is taken") {
  for (auto text : {"\"", "\\", "a\\", "(((", "\"\\", "|", ":include:"}) {
    CAPTURE(text);
    auto items = parse_lines(text, "/h");
    CHECK(items.size() <= 1);
    // The external form of an address may quote: never more than this.
    for (const Item& item : items) {
      CHECK(item.text.size() <= 2 * std::string_view(text).size() + 2);
    }
  }
}
