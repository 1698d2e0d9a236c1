#include "common/config/postfix/expand.h"

#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "common/config/postfix/compatibility.h"
#include "common/config/postfix/logical_lines.h"

namespace mail::config {

namespace {
std::optional<std::string> lookup(std::string_view name) {
  static const std::map<std::string, std::string, std::less<>> kValues{
      {"a", "A"},    {"e", ""},         {"num", "10"},
      {"r", "<$a>"}, {"loop", "$loop"}, {"odd", "a;b"}};
  auto at = kValues.find(name);
  if (at == kValues.end()) return std::nullopt;
  return at->second;
}
std::string text_of(std::string_view text) {
  auto result = expand(text, lookup, {.recursive = true});
  return result ? result->text : result.error().what;
}
}  // namespace

TEST_CASE("Names expand to their values", "[config]") {
  CHECK(text_of("x$$y") == "x$y");
  CHECK(text_of("$a-$(a)-${a}-${ a }") == "A-A-A-A");
  CHECK(text_of("$undefined.x") == ".x");
  CHECK(text_of("$r") == "<A>");
  CHECK(expand("$r", lookup)->text == "<$a>");
  CHECK(expand("$nope", lookup)->undefined);
  CHECK_FALSE(expand("${nope?x}", lookup)->undefined);
  auto filtered = expand("$odd;", lookup, {.allowed_bytes = "ab"});
  CHECK(filtered->text == "a_b;");
  CHECK(filtered->filtered);
}

TEST_CASE("Conditions choose their text", "[config]") {
  CHECK(text_of("${a?b}${a:c}${e?d}${e:f}") == "bf");
  CHECK(text_of("${a?{b}:{c}}${e ? {b} : {c} }") == "bc");
  CHECK(text_of("${a?b:c}") == "b:c");
  CHECK(text_of("X${a? { b } : { c } }X") == "X b X");
  CHECK(text_of("X${a? b }X") == "X b X");
  CHECK(text_of("$(a?(x)) ${e:{${e:{Z}}}}") == "(x) Z");
  CHECK(text_of("${{x}=={x}}${{x}=={y}}") == "true");
  CHECK(text_of("${{x} != {y} ? {1} : {2}}") == "1");
  CHECK(text_of("${{10}<{9}?{yes}:{no}}${{b}<{c}?yes}") == "noyes");
  CHECK(text_of("${{03}=={3}} ${{x}=={y}:{no}}") == "true no");
  CHECK(text_of("${{3.10} <level {3.9}?{yes}:{no}}") == "no");
  CHECK(text_of("${{$num} >=level {3.9.1}?{yes}:{no}}") == "yes");
}

TEST_CASE("Broken references say where", "[config]") {
  CHECK(text_of("x$-y") == "empty macro name: \"x$-y\"");
  CHECK(text_of("${}") == "empty macro name: \"${}\"");
  CHECK(text_of("${a") == "truncated macro reference: \"${a\"");
  CHECK(text_of("${a b}") == "attribute name syntax error at: \"...a>>> b\"");
  CHECK(text_of("${a?{b}{c}}") == "\":\" expected at: \"...b}>>>{c}\"");
  CHECK(text_of("${a:{b}:{c}}") == "unexpected input at: \"...b}>>>:{c}\"");
  CHECK(text_of("${a?{b}:{c}d}") == "unexpected input at: \"...c}>>>d\"");
  CHECK(text_of("${{x}=={y}z}") == "\"?\" or \":\" expected at: \"...}>>>z\"");
  CHECK(text_of("${{x}={y}}") ==
        "\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" "
        "expected at: \"...x}>>>={y}\"");
  CHECK(text_of("${{3}<lev {4}}") == "bad operator suffix at: \"...<>>>lev\"");
  CHECK(text_of("$(a?{)})") == "unbalanced {} in attribute expression: \"{\"");
  CHECK(text_of("${{3.x}<level{3}}") ==
        "malformed compatibility level syntax: \"3.x\"");
  CHECK(text_of("$loop") == "unreasonable macro call nesting: \"loop\"");
}

TEST_CASE("Scanning sees the names of both branches", "[config]") {
  std::vector<std::string> seen;
  REQUIRE(scan_names("$a ${b?{$c}:{$(d)}} ${{$e}=={1}?$f}",
                     [&](std::string_view name) { seen.emplace_back(name); }));
  CHECK(seen == std::vector<std::string>{"a", "b", "c", "d", "e", "f"});
}

TEST_CASE("Compatibility levels have up to three numbers", "[config]") {
  CHECK(*parse_level("3.6") == level(3, 6));
  CHECK(*parse_level("3.10") > *parse_level("3.9"));
  CHECK_FALSE(parse_level(""));
  CHECK_FALSE(parse_level("3."));
  CHECK_FALSE(parse_level("3.6.7.8"));
  CHECK_FALSE(parse_level("-1"));
}

TEST_CASE("Comments and blank lines do not end a logical line", "[config]") {
  std::vector<std::string> warnings;
  LogicalLines lines(" lost\n# c\na\n\n # c\n  b\n#\nc # d\n\\\n\te", "f",
                     [&](std::string_view w) { warnings.emplace_back(w); });
  auto first = lines.next();
  REQUIRE(first);
  CHECK(first->text == "a  b");
  CHECK(first->line == 3);
  auto second = lines.next();
  REQUIRE(second);
  CHECK(second->text == "c # d");
  CHECK(second->line == 8);
  auto third = lines.next();
  REQUIRE(third);
  CHECK(third->text == "\\\te");
  CHECK_FALSE(lines.next());
  CHECK(warnings ==
        std::vector<std::string>{
            "f: logical line must not start with whitespace: \" lost\""});
}

}  // namespace mail::config
