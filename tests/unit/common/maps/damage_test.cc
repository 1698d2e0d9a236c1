// Databases that were cut or damaged: an answer that was put in, or an error;
// never a signal, never "no such entry" of a file that lacks a part.
#include <lmdb.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <random>

#include "common/base/lmdb_pages.h"
#include "common/maps/builder.h"
#include "tests/unit/common/maps/scratch.h"

namespace mail::maps {
namespace {

constexpr int kEntries = 300;

std::string key_of(int i) { return "user" + std::to_string(i); }
/// Every tenth needs a page of its own.
std::string value_of(int i) {
  return std::string(i % 10 == 0 ? 3000 : 20, static_cast<char>('a' + i % 26));
}

std::string build(const Scratch& scratch, std::string_view type = "lmdb",
                  int entries = kEntries) {
  Builder::Options options;
  options.open.flags = flag::kDefault;
  auto builder = Builder::begin(type, scratch.file("table"), options);
  REQUIRE(builder);
  for (int i = 0; i < entries; ++i) {
    REQUIRE((*builder)->add(key_of(i), value_of(i)));
  }
  REQUIRE((*builder)->finish());
  return read_file(scratch.file(type == "lmdb" ? "table.lmdb" : "table.db"))
      .value();
}

enum class Asked { Right, Error, Wrong };
Asked ask_all(Table& table) {
  bool all = true;
  for (int i = 0; i < kEntries; ++i) {
    auto found = table.lookup(key_of(i));
    if (!found) return Asked::Error;
    if (!*found || **found != value_of(i)) all = false;
  }
  return all ? Asked::Right : Asked::Wrong;
}
Asked ask_all(const Scratch& scratch) {
  auto table = open_table("lmdb:" + scratch.file("table"), {});
  return table ? ask_all(**table) : Asked::Error;
}

/// A new file: the disk hurries to write one that was emptied and filled.
void replace(const Scratch& scratch, std::string_view name,
             std::string_view text) {
  (void)::unlink(scratch.file(name).c_str());
  scratch.write(name, text);
}

/// The right, and how they are with what LMDB itself would do.
Result<> check(const std::string& path) {
  return check_lmdb_pages(open_file(path, O_RDONLY)->get(), LmdbWalk::Always);
}

}  // namespace

TEST_CASE("an lmdb table cut anywhere is an error", "[maps]") {
  Scratch scratch;
  std::string whole = build(scratch);
  CHECK(ask_all(scratch) == Asked::Right);
  for (size_t size = 0; size < whole.size(); size += 1000) {
    replace(scratch, "table.lmdb", whole.substr(0, size));
    INFO(size << " of " << whole.size());
    CHECK(ask_all(scratch) == Asked::Error);
  }
  scratch.write("table.lmdb", whole.substr(0, 9000));
  auto error = open_table("lmdb:" + scratch.file("table"), {}).error().what;
  INFO(error);
  CHECK(error.find(" is missing; it must be made anew") != error.npos);
  CHECK(error.find(scratch.file("table.lmdb") + ": page ") != error.npos);
}

TEST_CASE("an lmdb table cut while it is open is an error", "[maps]") {
  Scratch scratch;
  std::string whole = build(scratch), path = scratch.file("table.lmdb");
  auto table = open_table("lmdb:" + scratch.file("table"), {});
  REQUIRE(table);
  CHECK(ask_all(**table) == Asked::Right);
  for (size_t size : {size_t{0}, size_t{5000}, whole.size() / 2}) {
    REQUIRE(::truncate(path.c_str(), static_cast<off_t>(size)) == 0);
    CHECK(ask_all(**table) == Asked::Error);
  }
  scratch.write("table.lmdb", whole);
  CHECK(ask_all(**table) == Asked::Right);
}

TEST_CASE("a damaged lmdb table kills nobody", "[maps]") {
  Scratch scratch;
  std::string whole = build(scratch);
  std::mt19937 random(1);
  int errors = 0;
  for (int round = 0; round < 500; ++round) {
    std::string damaged = whole;
    // What holds the tree together: the heads of pages and their offsets.
    for (int i = 0; i < 3; ++i) {
      size_t page = random() % (whole.size() / 4096);
      damaged[page * 4096 + random() % 200] = static_cast<char>(random());
    }
    replace(scratch, "table.lmdb", damaged);
    errors += ask_all(scratch) == Asked::Error;
  }
  CHECK(errors > 125);
}

TEST_CASE("a damaged table of Berkeley DB's kills nobody", "[maps]") {
  for (std::string type : {"btree", "hash"}) {
    Scratch scratch;
    // Lengths of the last page lead behind the end of the file.
    std::string whole = build(scratch, type, 20);
    std::mt19937 random(1);
    int refused = 0, opened = 0;
    for (int round = 0; round < 200; ++round) {
      std::string damaged = whole;
      for (int i = 0; i < 30; ++i) {
        damaged[random() % whole.size()] = static_cast<char>(random());
      }
      replace(scratch, "table.db", damaged);
      auto table = open_table(type + ":" + scratch.file("table"), {});
      ++(table ? opened : refused);
      if (!table) continue;
      (void)ask_all(**table);
      auto entry = (*table)->first();
      for (int i = 0; entry && *entry && i < 2 * kEntries; ++i) {
        entry = (*table)->next();
      }
    }
    // Else the damage was too little, or too much, to show anything.
    CHECK(refused > 0);
    CHECK(opened > 10);
  }
}

TEST_CASE("an lmdb file may end before its last page", "[maps]") {
  Scratch scratch;
  std::string path = scratch.file("cache.lmdb");
  MDB_env* env = nullptr;
  REQUIRE(mdb_env_create(&env) == 0);
  mdb_env_set_mapsize(env, 16 << 20);
  REQUIRE(mdb_env_open(env, path.c_str(), MDB_NOSUBDIR | MDB_NOLOCK, 0600) ==
          0);
  std::mt19937 random(1);
  bool was_short = false;
  for (int round = 0; round < 100; ++round) {
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    REQUIRE(mdb_txn_begin(env, nullptr, 0, &txn) == 0);
    REQUIRE(mdb_dbi_open(txn, nullptr, 0, &dbi) == 0);
    // What comes and goes in one transaction leaves pages that were never
    // written.
    for (int i = 0; i < 400; ++i) {
      std::string name = key_of(static_cast<int>(random() % 2000));
      std::string text(random() % 300, 'x');
      MDB_val key{name.size(), name.data()}, value{text.size(), text.data()};
      REQUIRE(mdb_put(txn, dbi, &key, &value, 0) == 0);
    }
    for (int i = 0; i < 2000; ++i) {
      if (random() % 10 == 0) continue;
      std::string name = key_of(i);
      MDB_val key{name.size(), name.data()};
      (void)mdb_del(txn, dbi, &key, nullptr);
    }
    REQUIRE(mdb_txn_commit(txn) == 0);
    MDB_envinfo info;
    REQUIRE(mdb_env_info(env, &info) == 0);
    was_short |= std::filesystem::file_size(path) / 4096 <= info.me_last_pgno;
    auto sound = check(path);
    INFO((sound ? "" : sound.error().what));
    CHECK(sound);
  }
  mdb_env_close(env);
  CHECK(was_short);  // else this has shown nothing
}

}  // namespace mail::maps
