#include "common/maps/source.h"

#include <catch2/catch.hpp>

// Taken from Debian's postalias.
namespace mail::maps {
namespace {

std::string alias(std::string_view line) {
  std::string out;
  AliasSource source(line, "f", {true, false, [&](std::string_view text) {
                                   out = std::string(text);
                                 }});
  auto entry = source.next();
  return entry ? entry->key + "|" + entry->value : out;
}

TEST_CASE("aliases are written anew from their tokens", "[maps]") {
  CHECK(alias("\"quoted name\": bob, \"|/bin/cmd with, comma\", :include:/x , "
              "/var/mail/file\n dave, ") ==
        "quoted name|bob, \"|/bin/cmd with, comma\", :include:/x, "
        "/var/mail/file dave, ");
  CHECK(alias("bar (comment) : baz (c2) , <a@b>, Joe <c@d>") ==
        "bar (comment)|baz (c2), <a@b>, Joe <c@d>");
  CHECK(alias("y: a:b c; d @e f\\ g") == "y|a:b c;d@e \"f g\"");
  CHECK(alias("cc: |\"/x y\" z") == "cc||\"/x y\" z");
  CHECK(alias("dd: \\\\x, \\y") == "dd|\"\\\\x\", y");
  CHECK(alias("ee: ,,a,,b") == "ee|, , a, , b");
  CHECK(alias("a1: a<b@c>") == "a1|a <b@c>");
  CHECK(alias("a5: \"x\"\"y\"") == "a5|\"x\" \"y\"");
  CHECK(alias("b2: <a@b> c") == "b2|<a@b>c");
  CHECK(alias("b8: : include : /x") == "b8|:include:/x");
  CHECK(alias("c4: a]b [c") == "c4|a]b [c]");
  CHECK(alias("x: \"un") == "x|\"un\"");
  CHECK(alias("\"a@b\": c") == "a@b|c");
}

TEST_CASE("lines that are no aliases", "[maps]") {
  CHECK(alias("Name@dom: x") == "f, line 1: name must be local");
  CHECK(alias("n%d: x") == "f, line 1: name must be local");
  for (std::string_view line : {": z", "empty:", "foo", "a, b: c", "\"un: x"}) {
    CHECK(alias(line) == "f, line 1: need name:value pair");
  }
  CHECK(alias("x \xff: y") ==
        "f, line 1: non-UTF-8 input \"x \xff: y\" -- ignoring this line");
}

}  // namespace
}  // namespace mail::maps
