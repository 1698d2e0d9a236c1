#include "common/maps/tables.h"

#include <catch2/catch.hpp>

#include "common/maps/builder.h"
#include "tests/unit/common/maps/scratch.h"

namespace mail::maps {
namespace {

std::string ask(const std::string& table, std::string_view key,
                OpenOptions options = {}) {
  auto opened = open_table(table, options);
  if (!opened) return "open: " + opened.error().what;
  auto found = (*opened)->lookup(key);
  if (!found) return "error: " + found.error().what;
  return found->value_or("(none)");
}

void build(const std::string& type, const std::string& name,
           const std::vector<std::pair<std::string, std::string>>& entries,
           int flags = flag::kDefault | flag::kDupWarn) {
  Builder::Options options;
  options.open.flags = flags;
  auto builder = Builder::begin(type, name, options);
  REQUIRE(builder);
  for (const auto& [key, value] : entries) {
    REQUIRE((*builder)->add(key, value));
  }
  auto done = (*builder)->finish();
  INFO((done ? "" : done.error().what));
  REQUIRE(done);
}

TEST_CASE("databases are built and read", "[maps]") {
  Scratch scratch;
  for (std::string type : {"hash", "btree", "lmdb"}) {
    std::string name = scratch.file(type);
    build(type, name, {{"Alice", "one"}, {"bob", "two words"}});
    CHECK(ask(type + ":" + name, "ALICE") == "one");
    CHECK(ask(type + ":" + name, "bob") == "two words");
    CHECK(ask(type + ":" + name, "carol") == "(none)");
    build(type, name, {{"k", "v"}}, flag::kLock | flag::kTry0Null);
    CHECK(ask(type + ":" + name, "k") == "v");
  }
}

TEST_CASE("a changed database is read again in place", "[maps]") {
  Scratch scratch;
  for (std::string type : {"hash", "btree", "lmdb"}) {
    Heard heard;
    std::string name = scratch.file(type);
    build(type, name, {{"a", "old"}});
    auto table = open_table(type + ":" + name, heard.options());
    REQUIRE(table);
    CHECK((*table)->lookup("a")->value() == "old");
    Instant now = Clock::now();
    (*table)->refresh(now);
    build(type, name, {{"a", "new"}, {"b", "more"}});
    (*table)->refresh(now + std::chrono::seconds(2));
    CHECK((*table)->lookup("a")->value() == "new");
    CHECK((*table)->lookup("b")->value() == "more");
    REQUIRE(heard.infos.size() == 1);
    CHECK(heard.infos[0] == "table " + type + ":" + name +
                                "(0,lock|fold_fix) has changed -- restarting");
  }
}

TEST_CASE("caches are written, iterated and deleted from", "[maps]") {
  Scratch scratch;
  for (std::string type : {"hash", "btree", "lmdb", "internal"}) {
    OpenOptions options;
    options.mode = 02 | 0100;  // O_RDWR | O_CREAT
    options.flags |= flag::kDupReplace;
    auto table = open_table(type + ":" + scratch.file(type), options);
    INFO(type << (table ? "" : table.error().what));
    REQUIRE(table);
    CHECK((*table)->update("a", "1").value());
    CHECK((*table)->update("b", "2").value());
    CHECK((*table)->update("a", "3").value());
    CHECK((*table)->lookup("a")->value() == "3");
    CHECK((*table)->remove("a").value());
    CHECK_FALSE((*table)->remove("a").value());
    auto entry = (*table)->first();
    REQUIRE(entry);
    REQUIRE(*entry);
    CHECK((*entry)->first == "b");
    CHECK_FALSE(*(*table)->next());
  }
}

TEST_CASE("tables without a file", "[maps]") {
  CHECK(ask("static:{b c}", "x") == "b c");
  CHECK(ask("static:{b c", "x") ==
        "open: bad static:name syntax: missing '}' in \"{b c\"");
  CHECK(ask("static:{b}c", "x") ==
        "open: bad static:name syntax: syntax error after '}' in \"{b}c\"");
  CHECK(ask("inline:{a=b, {c = d e}}", "c") == "d e");
  CHECK(ask("inline:{}", "c") ==
        "open: bad syntax: \"inline:{}\"; need \"inline:{name=value...}\"");
  CHECK(ask("inline:{a}", "c") ==
        "open: missing '=' after attribute name: \"inline:{a}\"; need "
        "\"inline:{name=value...}\"");
  CHECK(ask("pipemap:{inline:{a=b},inline:{b=c}}", "a") == "c");
  CHECK(ask("unionmap:{static:1,static:2,inline:{b=c}}", "a") == "1,2");
  CHECK(ask("unionmap:{static:1,fail:x}", "a") == "error: ");
  CHECK(ask("randmap:{x}", "a") == "x");
  CHECK(ask("randmap:{}", "a") ==
        "open: bad syntax: \"randmap:{}\"; need \"randmap:{value...}\"");
  CHECK(ask("unix:passwd.byname", "root").starts_with("root:"));
  CHECK(ask("unix:group.byname", "root") == "root:x:0:");
  CHECK(ask("unix:x", "a") == "open: unknown table: unix:x");
  CHECK(ask("foo:x", "a") == "open: unsupported dictionary type: foo");
  CHECK(ask("hash:", "a") ==
        "open: open dictionary: expecting \"type:name\" form instead of "
        "\"hash:\"");
  CHECK(ask("hash:/nonexist", "a") ==
        "open: open database /nonexist.db: No such file or directory");
}

TEST_CASE("keys are folded in UTF-8, malformed ones are not there", "[maps]") {
  Heard heard;
  OpenOptions options = heard.options();
  options.flags |= flag::kUtf8Request;
  CHECK(ask("inline:{\xc3\x84=y}", "\xc3\xa4", options) == "y");
  CHECK(ask("inline:{a=y}", "\xff", options) == "(none)");
  REQUIRE(heard.warnings.size() == 1);
  CHECK(heard.warnings[0] ==
        "inline:{a=y}: non-UTF-8 key \"\xff\": malformed UTF-8 or invalid "
        "codepoint");
}

TEST_CASE("the first table that knows a key wins", "[maps]") {
  Heard heard;
  auto tables = Tables::open("virtual_alias_maps",
                             "inline:{a=1}, inline:{a=2,b=3} regexp:{{/^c/ 4}}",
                             heard.options());
  REQUIRE(tables);
  auto value = [&](std::string_view key, KeyKind kind = KeyKind::Whole) {
    auto answer = tables->find_now(key, kind);
    return *answer && **answer ? (**answer)->value : "(none)";
  };
  CHECK(value("a") == "1");
  CHECK(value("b") == "3");
  CHECK(value("cc") == "4");
  CHECK(value("cc", KeyKind::Partial) == "(none)");
  CHECK(value("") == "(none)");
  CHECK(heard.warnings.empty());
}

TEST_CASE("an unavailable table fails each lookup, an empty result too",
          "[maps]") {
  Heard heard;
  auto tables =
      Tables::open("x_maps", "inline:{e=} hash:/nonexist", heard.options());
  REQUIRE(tables);
  auto answer = tables->find_now("alice");
  REQUIRE_FALSE(*answer);
  CHECK(answer->error().fault == Fault::Temporary);
  CHECK(heard.warnings ==
        std::vector<std::string>{
            "hash:/nonexist is unavailable. open database /nonexist.db: No "
            "such file or directory",
            "hash:/nonexist lookup error for \"alice\""});
  heard.warnings.clear();
  CHECK_FALSE(*tables->find_now("e"));
  CHECK(heard.warnings ==
        std::vector<std::string>{
            "x_maps lookup of e returns an empty string result",
            "x_maps should return NO RESULT in case of NOT FOUND"});
}

}  // namespace
}  // namespace mail::maps
