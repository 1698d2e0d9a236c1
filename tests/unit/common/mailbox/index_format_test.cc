// What stands in the index: blocks of computed values, records, the header.
#include "common/mailbox/index_format.h"

#include <catch2/catch.hpp>

#include "common/mailbox/cache_block.h"
#include "common/mailbox/index_file.h"
#include "tests/unit/common/mailbox/temporary.h"

namespace mail::mailbox {

namespace {

/// Each way to damage one byte, and each cut.
void damage(const std::string& whole,
            const std::function<void(const std::string&)>& check) {
  for (size_t i = 0; i < whole.size(); ++i) {
    check(whole.substr(0, i));
    std::string other = whole;
    other[i] ^= 0x11;
    check(other);
  }
}

}  // namespace

TEST_CASE("a block keeps values by uid", "[index]") {
  CacheBlock block;
  CHECK(block.empty());
  block.put(128, "first");
  block.put(191, std::string(300, 'x'));
  block.put(130, "");
  block.put(128, "second");
  CacheBlock again(block.bytes());
  for (const CacheBlock& one : {block, again}) {
    CHECK(one.get(128) == "second");
    CHECK(one.get(130) == "");
    CHECK(one.get(191) == std::string(300, 'x'));
    CHECK_FALSE(one.get(129));
  }
  CacheBlock other;
  other.put(129, "new");
  other.put(128, "mine");
  other.take_missing(block, 2, [](uint32_t uid) { return uid != 130; });
  CHECK(other.get(128) == "mine");
  CHECK(other.get(129) == "new");
  CHECK(other.get(191));
  CHECK_FALSE(other.get(130));
  damage(block.bytes(),
         [](const std::string& bytes) { CHECK(CacheBlock(bytes).empty()); });
}

TEST_CASE("a record comes back as it was", "[index]") {
  Record record;
  record.flags = kSeen | kDraft;
  record.keywords = uint64_t{1} << 63 | 5;
  record.modseq = 1'790'000'000'000;
  record.name = "1546302300.M100001P7.mx,S=2365,W=2404";
  record.odd_info = true;
  auto check = [](const Record& in) {
    Record out;
    std::string_view odd;
    std::string packed = pack_record(in, ":2,SX");
    REQUIRE(unpack_record(packed, out, odd));
    CHECK(odd == ":2,SX");
    CHECK(out.name == in.name);
    CHECK(out.flags == in.flags);
    CHECK(out.keywords == in.keywords);
    CHECK(out.modseq == in.modseq);
    CHECK(out.size == in.size);
    CHECK(out.virtual_size == in.virtual_size);
    CHECK(out.internal_date == in.internal_date);
    CHECK(out.save_date == in.save_date);
    CHECK(out.offset == in.offset);
    CHECK(out.in_new == in.in_new);
    CHECK(out.odd_info == in.odd_info);
    return packed;
  };
  check(record);
  record.save_date = -5;
  record.virtual_size = 7;
  check(record);
  record.internal_date = 1'790'000'000;
  record.save_date = INT64_MAX;
  record.size = 2365;
  record.virtual_size = 2404;
  record.offset = UINT64_MAX;
  record.in_new = true;
  damage(check(record), [](const std::string& bytes) {
    Record out;
    std::string_view odd;
    CHECK_FALSE(unpack_record(bytes, out, odd));
  });
}

TEST_CASE("a header that is damaged or of another version is none", "[index]") {
  IndexHeader header, out;
  header.uidvalidity = 7;
  header.guid = std::string(32, 'a');
  header.keywords = {"blue", "", "green"};
  std::string packed = pack_header(header);
  REQUIRE(unpack_header(packed, out));
  CHECK(out.uidvalidity == 7);
  CHECK(out.keywords == header.keywords);
  damage(packed, [](const std::string& bytes) {
    IndexHeader none;
    CHECK_FALSE(unpack_header(bytes, none));
  });
}

TEST_CASE("what an index holds may be damaged without a client's noticing",
          "[index]") {
  Home home;
  for (char kind : {'h', 'r', 'b'}) {
    auto storage = home.storage();
    auto opened = storage->open_mailbox("INBOX", OpenMode::ReadWrite);
    REQUIRE(opened);
    Mailbox& inbox = **opened;
    for (int i = 0; i < 3; ++i) REQUIRE(save_one(inbox, "a: b\n\n"));
    REQUIRE(inbox.sync());
    auto uids = inbox.uids();
    inbox.put_cached(uids.back(), "f", "value");
    opened->reset();
    storage.reset();
    {
      std::string why;
      IndexFiles files;
      auto file = files.open(home.path + "/Maildir", 1 << 26, why);
      REQUIRE(file);
      int damaged = 0;
      file->write([&](IndexFile::Transaction& t) {
        std::vector<std::pair<std::string, std::string>> all;
        t.walk("", [&](std::string_view key, std::string_view value) {
          if (key.size() > 4 && key[4] == kind && key[3] != 0) {
            all.emplace_back(key, value);
          }
          return true;
        });
        for (auto& [key, value] : all) {
          value[value.size() / 2] ^= 1;
          t.put(key, value);
          ++damaged;
        }
      });
      CHECK(damaged > 0);
    }
    storage = home.storage();
    auto again = storage->open_mailbox("INBOX", OpenMode::ReadWrite);
    REQUIRE(again);
    CHECK((*again)->uids() == uids);
    if (kind == 'b') CHECK_FALSE((*again)->cached(uids.back(), "f"));
    // And what is written from then on is kept.
    (*again)->put_cached(uids[0], "f", "other");
    again->reset();
    again = storage->open_mailbox("INBOX", OpenMode::ReadWrite);
    CHECK((*again)->cached(uids[0], "f") == "other");
  }
}

TEST_CASE("values of a uid do not outlive it", "[index]") {
  Home home;
  auto storage = home.storage();
  auto inbox = std::move(*storage->open_mailbox("INBOX", OpenMode::ReadWrite));
  for (int i = 0; i < 3; ++i) REQUIRE(save_one(*inbox, "a: b\n\n"));
  REQUIRE(inbox->sync());
  for (uint32_t uid : {1, 2, 3}) inbox->put_cached(uid, "f", "v");
  uint32_t two[] = {2}, others[] = {1, 3};
  REQUIRE(inbox->expunge(two));
  CHECK(inbox->cached(1, "f") == "v");
  CHECK_FALSE(inbox->cached(2, "f"));
  CHECK(inbox->cached(3, "f") == "v");
  REQUIRE(inbox->expunge(others));
  inbox.reset();
  storage.reset();
  std::string why;
  IndexFiles files;
  size_t blocks = 0;
  files.open(home.path + "/Maildir", 1 << 26, why)
      ->read([&](IndexFile::Transaction& t) {
        t.walk("", [&](std::string_view key, std::string_view) {
          blocks += key.size() > 4 && key[4] == 'b';
          return true;
        });
      });
  CHECK(blocks == 0);
}

}  // namespace mail::mailbox
