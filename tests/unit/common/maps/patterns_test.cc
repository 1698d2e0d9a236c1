#include <catch2/catch.hpp>

#include "common/maps/table.h"
#include "tests/unit/common/maps/scratch.h"

// Sources, answers and warnings were taken from Debian's postmap.
namespace mail::maps {
namespace {

struct Opened {
  Heard heard;
  std::unique_ptr<Table> table;
  std::string ask(std::string_view key) {
    auto found = table->lookup(key);
    return found ? found->value_or("(none)") : "error";
  }
};

void open(Opened& into, const std::string& name) {
  auto table = open_table(name, into.heard.options());
  INFO((table ? "" : table.error().what));
  REQUIRE(table);
  into.table = std::move(*table);
}

TEST_CASE("rules of regexp and pcre", "[maps]") {
  for (std::string type : {"regexp", "pcre"}) {
    Opened o;
    open(o, type +
                ":{{/^(.*)@old\\.example$/ $1@new.example}, {/A$/i big}, "
                "{!/x/ no-x}, {|p/q| ${1}$$}, {/(y)z/ $$$(1)!}}");
    CHECK(o.heard.warnings.size() == 1);  // $1 without a group
    CHECK(o.ask("joe@OLD.example") == "joe@new.example");
    CHECK(o.ask("xA") == "big");
    CHECK(o.ask("xa") == "(none)");
    CHECK(o.ask("b") == "no-x");
    CHECK(o.ask("xyz") == "$y!");
  }
}

TEST_CASE("if and endif", "[maps]") {
  Scratch scratch;
  std::string file = scratch.write("r",
                                   "if /a/\nif !/b/\n/c/ ac\nendif\n"
                                   "/b/ ab\nendif\n/c/ c\n");
  for (std::string type : {"regexp:", "pcre:"}) {
    Opened o;
    open(o, type + file);
    CHECK(o.ask("ac") == "ac");
    CHECK(o.ask("abc") == "ab");
    CHECK(o.ask("bc") == "c");
    CHECK(o.ask("x") == "(none)");
    CHECK(o.heard.warnings.empty());
  }
}

TEST_CASE("bad rules are skipped with the original's words", "[maps]") {
  struct Case {
    std::string rule, warning, pcre = {};
  };
  const Case cases[] = {
      {"/a/", "no replacement text: using empty string"},
      {"/a/z x", "unknown regexp option \"z\": skipping this rule"},
      {"/(d)/ $2", "out of range replacement index \"2\": skipping this rule"},
      {"!/e/ $1",
       "$number found in negative match replacement text: skipping this rule"},
      {"hello world", "ignoring unrecognized request"},
      {"/x", "no closing regexp delimiter \"/\": skipping this rule",
       "no closing regexp delimiter \"/\": ignoring this rule"},
      {"endif", "ignoring ENDIF without matching IF"},
      {"if /x/", "IF has no matching ENDIF"},
      {"/(g/ x", "Unmatched ( or \\(",
       "error in regex at offset 2: missing closing parenthesis"},
      {"xabx y", "ignoring unrecognized request"},
  };
  Scratch scratch;
  for (const Case& each : cases) {
    std::string file = scratch.write("r", each.rule + "\n");
    for (std::string type : {"regexp", "pcre"}) {
      Opened o;
      open(o, type + ":" + file);
      std::string text =
          type == "pcre" && !each.pcre.empty() ? each.pcre : each.warning;
      CHECK(o.heard.warnings == std::vector<std::string>{type + " map " + file +
                                                         ", line 1: " + text});
    }
  }
}

TEST_CASE("a replacement's syntax has two warnings", "[maps]") {
  Opened o;
  open(o, "regexp:{{/(h)/ $1x}}");
  CHECK(o.heard.warnings.at(0).ends_with(
      "line 1: non-numeric replacement index \"1x\""));
  CHECK(o.heard.warnings.at(1).ends_with(
      "line 1: bad replacement syntax: skipping this rule"));
  Opened p;
  open(p, "pcre:{{/(h)/ a$}}");
  CHECK(p.heard.warnings.at(0) == "empty macro name: \"a$\"");
}

TEST_CASE("cidr tables", "[maps]") {
  Scratch scratch;
  std::string file = scratch.write(
      "c",
      "10.0.0.1/8 a\n10.0.0.0/8 ten\nbad x\n/foo/ b\n1.2.3.4/33 c\n1.2.3.4\n"
      "if 1.2.3.0/24\n1.2.3.4 D\nendif junk\nif !1.0.0.0/8\n2.0.0.1 E\nendif\n"
      "endif\n!5.0.0.0/8 notfive\n[::1] bracket\n2001:db8::/32 doc\n"
      "2001:db8::1/32 docbad\nif\nendif\n!\nif 9.0.0.0/8\n");
  Opened o;
  open(o, "cidr:" + file);
  std::vector<std::string> want;
  auto line = [&](int number, const std::string& text) {
    want.push_back("cidr map " + file + ", line " + std::to_string(number) +
                   ": " + text + ": skipping this rule");
  };
  line(1,
       "non-null host address bits in \"10.0.0.1/8\", perhaps you should use "
       "\"10.0.0.0/8\" instead");
  line(3, "bad address pattern: \"bad\"");
  line(4, "bad mask value in \"/foo/\"");
  line(5, "bad mask length in \"1.2.3.4/33\"");
  line(6, "no lookup result");
  line(9, "garbage after ENDIF");
  line(17,
       "non-null host address bits in \"2001:db8::1/32\", perhaps you should "
       "use \"2001:db8::/32\" instead");
  line(18, "no address pattern");
  line(19, "ENDIF without IF");
  line(20, "no address pattern");
  want.push_back("cidr map " + file + ", line 21: IF has no matching ENDIF");
  CHECK(o.heard.warnings == want);
  CHECK(o.ask("10.1.1.1") == "ten");
  CHECK(o.ask("1.2.3.4") == "D");
  CHECK(o.ask("6.1.1.1") == "notfive");
  CHECK(o.ask("5.1.1.1") == "(none)");
  CHECK(o.ask("::1") == "bracket");
  CHECK(o.ask("2001:db8::5") == "doc");
  CHECK(o.ask("host.example") == "(none)");
}

TEST_CASE("texthash reads what postmap reads, and again when changed",
          "[maps]") {
  Scratch scratch;
  std::string file = scratch.write(
      "t", "a b\na c\nb\n\"x y z\n\"q r\" s\nk: v\nC d\n  e\nfoo\\ bar baz\n");
  Opened o;
  open(o, "texthash:" + file);
  CHECK(o.heard.warnings ==
        std::vector<std::string>{
            file + ", line 2: duplicate entry: \"a\"",
            file + ", line 3: expected format: key whitespace value -- "
                   "ignoring this line",
            file + ", line 4: unbalanced '\"' in '\"x y z' -- ignoring this "
                   "line",
            file + ", line 6: record is in \"key: value\" format; is this an "
                   "alias file?"});
  CHECK(o.ask("a") == "b");
  CHECK(o.ask("c") == "d  e");
  CHECK(o.ask("\"Q r\"") == "s");
  CHECK(o.ask("foo\\ bar") == "baz");
  Instant now = Clock::now();
  o.table->refresh(now);
  scratch.write("t", "a new\n");
  o.table->refresh(now + std::chrono::milliseconds(10));
  CHECK(o.ask("a") == "b");  // not looked at so soon
  o.table->refresh(now + std::chrono::seconds(2));
  CHECK(o.ask("a") == "new");
}

}  // namespace
}  // namespace mail::maps
