// The index is only a cache: what it remembers, and that losing it does not
// matter.
#include "common/mailbox/index.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/unit/common/mailbox/temporary.h"

namespace mail::mailbox {

namespace {

std::unique_ptr<Mailbox> open_inbox(Storage& storage) {
  auto opened = storage.open_mailbox("INBOX", OpenMode::ReadWrite);
  if (!opened) FAIL(opened.error().what);
  return std::move(*opened);
}

/// Runs `work` in a process of its own, as another user of the mailbox.
void elsewhere(const std::function<bool()>& work) {
  pid_t pid = fork();
  if (pid == 0) _exit(work() ? 0 : 1);
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

}  // namespace

TEST_CASE("the index file keeps values and gives them in order", "[index]") {
  Home home;
  std::string why;
  IndexFiles files;
  auto file = files.open(home.path + "/sub/dir", 1 << 20, why);
  REQUIRE(file);
  CHECK(files.open(home.path + "/sub/dir", 1 << 20, why) == file);
  REQUIRE(file->write([](IndexFile::Transaction& t) {
    for (const char* key : {"b1", "a1", "b2", "b3", "c1"}) t.put(key, key);
    t.remove("b2");
    t.remove("nothing");
  }));
  std::string seen;
  auto walk = [&](std::string_view prefix) {
    seen.clear();
    file->read([&](IndexFile::Transaction& t) {
      t.walk(prefix, [&](std::string_view key, std::string_view) {
        seen += key;
        return true;
      });
    });
    return seen;
  };
  CHECK(walk("b") == "b1b3");
  REQUIRE(file->write([](IndexFile::Transaction& t) {
    for (int i = 0; i < 1000; ++i) t.put(fmt::format("b{:05}", i), "x");
    t.remove_prefix("b");
  }));
  CHECK(walk("") == "a1c1");
  // Full: nothing of it is written.
  CHECK_FALSE(file->write([](IndexFile::Transaction& t) {
    t.put("d", "d");
    for (int i = 0; i < 100; ++i) {
      t.put(fmt::format("big{}", i), std::string(60'000, 'x'));
    }
  }));
  CHECK(walk("") == "a1c1");
  // Removed: renewed when asked to.
  std::filesystem::remove(home.path + "/sub/dir/postcote.index");
  CHECK(file->generation() == 0);
  REQUIRE(file->renew());
  CHECK(file->generation() == 1);
  CHECK(walk("").empty());
  // Cut: opened anew.
  file.reset();
  std::filesystem::resize_file(home.path + "/sub/dir/postcote.index", 5000);
  CHECK(files.open(home.path + "/sub/dir", 1 << 20, why));
}

TEST_CASE("an index cut amid its pages is opened anew", "[index]") {
  Home home;
  std::string why, path = home.path + "/postcote.index";
  IndexFiles files;
  auto file = files.open(home.path, 1 << 20, why);
  REQUIRE(file->write([](IndexFile::Transaction& t) {
    for (int i = 0; i < 2000; ++i) t.put(fmt::format("{:05}", i), "value");
  }));
  file.reset();
  std::string whole = home.read("postcote.index");
  REQUIRE(whole.size() > 10 * 4096);
  for (size_t size = 0; size < whole.size(); size += 2048) {
    home.write("postcote.index", whole.substr(0, size));
    file = files.open(home.path, 1 << 20, why);
    INFO(size);
    REQUIRE(file);
    CHECK(file->read([](IndexFile::Transaction& t) {
      t.walk("", [](std::string_view, std::string_view) { return true; });
    }));
    file.reset();
  }
}

TEST_CASE("an index of another boot is thrown away", "[index]") {
  Home home;
  std::string why;
  IndexFiles files;
  auto file = files.open(home.path, 1 << 20, why);
  REQUIRE(file->write([](IndexFile::Transaction& t) { t.put("a", "b"); }));
  file.reset();
  auto has_a = [&] {
    bool found = false;
    files.open(home.path, 1 << 20, why)->read([&](IndexFile::Transaction& t) {
      found = t.get("a").has_value();
    });
    return found;
  };
  CHECK(has_a());
  home.write("postcote.index.boot", "another boot\n");
  CHECK_FALSE(has_a());
}

TEST_CASE("the index keeps flags, modseqs and computed values", "[index]") {
  Home home;
  auto storage = home.storage();
  uint64_t modseq = 0;
  {
    auto inbox = open_inbox(*storage);
    SaveOptions options;
    options.internal_date = 77;
    REQUIRE(save_one(*inbox, "a: b\n\n", options));
    home.deliver("1.M1.h", "Subject: x\n\nbody\n");
    REQUIRE(inbox->sync());
    CHECK(inbox->virtual_size(2) == 20);
    uint32_t one[] = {1};
    REQUIRE(inbox->store(one, {.what = {kSeen, {"blue"}}}));
    inbox->put_cached(1, "envelope", "(NIL)");
    CHECK(inbox->cached(1, "envelope") == "(NIL)");
    modseq = inbox->highest_modseq();
  }
  auto inbox = open_inbox(*storage);
  CHECK(inbox->highest_modseq() == modseq);
  CHECK(inbox->find(1)->modseq == modseq);
  CHECK(inbox->find(2)->modseq < modseq);
  CHECK(inbox->keywords() == std::vector<std::string>{"blue"});
  CHECK(inbox->cached(1, "envelope") == "(NIL)");
  CHECK_FALSE(inbox->cached(2, "envelope"));
  CHECK(inbox->recent() == 0);
  uint32_t one[] = {1};
  REQUIRE(inbox->expunge(one));
  CHECK_FALSE(inbox->cached(1, "envelope"));
}

TEST_CASE("deleting the index while it is used changes nothing", "[index]") {
  Home home;
  auto storage = home.storage();
  auto inbox = open_inbox(*storage);
  for (int i = 0; i < 5; ++i) REQUIRE(save_one(*inbox, "a: b\n\n"));
  REQUIRE(inbox->sync());
  uint64_t modseq = inbox->highest_modseq();
  home.remove_index();
  uint32_t two[] = {2};
  REQUIRE(inbox->store(two, {.what = {kFlagged, {}}}));
  CHECK(inbox->highest_modseq() == modseq + 1);
  inbox->put_cached(3, "f", "v");
  inbox.reset();
  inbox = open_inbox(*storage);
  CHECK(inbox->uids() == std::vector<uint32_t>{1, 2, 3, 4, 5});
  CHECK(inbox->highest_modseq() == modseq + 1);
  CHECK(inbox->find(1)->modseq <= modseq);
  CHECK(inbox->cached(3, "f") == "v");
}

TEST_CASE("processes tell each other by way of the index", "[index]") {
  Home home;
  auto storage = home.storage();
  auto inbox = open_inbox(*storage);
  for (int i = 0; i < 3; ++i) REQUIRE(save_one(*inbox, "a: b\n\n"));
  REQUIRE(inbox->sync());
  uint64_t before = inbox->highest_modseq();
  elsewhere([&] {
    Registry registry;
    auto own = Storage::open(registry, home.settings());
    auto box = (*own)->open_mailbox("INBOX", OpenMode::ReadWrite);
    uint32_t one[] = {1}, two[] = {2};
    return box && (*box)->count() == 3 &&
           (*box)->store(one, {.what = {kFlagged, {"late"}}}) &&
           (*box)->expunge(two) && save_one(**box, "c: d\n\nx\n") &&
           (*box)->highest_modseq() == before + 3;
  });
  auto changes = inbox->sync();
  REQUIRE(changes);
  CHECK(changes->flags == std::vector<uint32_t>{1});
  CHECK(changes->appended == std::vector<uint32_t>{4});
  REQUIRE(changes->expunged.size() == 1);
  CHECK(changes->expunged[0].uid == 2);
  CHECK(inbox->highest_modseq() == before + 3);
  CHECK(inbox->find(1)->modseq == before + 1);
  CHECK(inbox->keywords() == std::vector<std::string>{"late"});
  CHECK(inbox->expunged_since(before) == std::vector<uint32_t>{2});
}

TEST_CASE("a flag that another process has set meanwhile stays", "[index]") {
  Home home;
  auto storage = home.storage();
  auto inbox = open_inbox(*storage);
  REQUIRE(save_one(*inbox, "a: b\n\n"));
  REQUIRE(inbox->sync());
  uint32_t one[] = {1};
  elsewhere([&] {
    Registry registry;
    auto own = Storage::open(registry, home.settings());
    auto box = (*own)->open_mailbox("INBOX", OpenMode::ReadWrite);
    return box && (*box)->store(one, {.what = {kFlagged, {"late"}}});
  });
  REQUIRE(inbox->store(one, {.what = {kSeen, {}}}));
  CHECK(inbox->find(1)->flags == (kSeen | kFlagged));
  CHECK(inbox->find(1)->keywords == 1);
  CHECK(home.files("Maildir/cur")[0].ends_with(":2,FSa"));
}

TEST_CASE("a file gets one uid, whoever saw it first", "[index]") {
  Home home;
  auto storage = home.storage();
  auto inbox = open_inbox(*storage);
  REQUIRE(save_one(*inbox, "a: b\n\n"));
  REQUIRE(inbox->sync());
  home.deliver("1.M1.h");
  elsewhere([&] {
    Registry registry;
    auto own = Storage::open(registry, home.settings());
    auto box = (*own)->open_mailbox("INBOX", OpenMode::ReadWrite);
    uint32_t one[] = {1};
    return box && (*box)->store(one, {.what = {kFlagged, {}}}) &&
           (*box)->uids() == std::vector<uint32_t>{1, 2};
  });
  // Both the change and the file are found before the other's word of them.
  CHECK(save_one(*inbox, "c: d\n\n") == std::vector<uint32_t>{3});
  REQUIRE(inbox->sync());
  CHECK(inbox->uids() == std::vector<uint32_t>{1, 2, 3});
}

TEST_CASE("a message that came and went is known to have gone", "[index]") {
  Home home;
  auto storage = home.storage();
  auto inbox = open_inbox(*storage);
  uint64_t before = inbox->highest_modseq();
  elsewhere([&] {
    Registry registry;
    auto own = Storage::open(registry, home.settings());
    auto box = (*own)->open_mailbox("INBOX", OpenMode::ReadWrite);
    uint32_t one[] = {1};
    return box && save_one(**box, "a: b\n\n") && (*box)->sync() &&
           (*box)->expunge(one);
  });
  REQUIRE(inbox->sync());
  CHECK(inbox->count() == 0);
  CHECK(inbox->expunged_since(before) == std::vector<uint32_t>{1});
  CHECK(save_one(*inbox, "c: d\n\n") == std::vector<uint32_t>{2});
}

TEST_CASE("a lost index is written anew by several at once", "[index]") {
  Home home;
  auto storage = home.storage();
  auto inbox = open_inbox(*storage);
  for (int i = 0; i < 3; ++i) REQUIRE(save_one(*inbox, "a: b\n\n"));
  REQUIRE(inbox->sync());
  home.remove_index();
  uint32_t one[] = {1}, three[] = {3};
  elsewhere([&] {
    Registry registry;
    auto own = Storage::open(registry, home.settings());
    auto box = (*own)->open_mailbox("INBOX", OpenMode::ReadWrite);
    return box && (*box)->store(one, {.what = {kFlagged, {}}});
  });
  REQUIRE(inbox->store(three, {.what = {kSeen, {}}}));
  uint64_t modseq = inbox->find(1)->modseq, highest = inbox->highest_modseq();
  CHECK(inbox->find(1)->flags == kFlagged);
  elsewhere([&] {
    Registry registry;
    auto own = Storage::open(registry, home.settings());
    auto box = (*own)->open_mailbox("INBOX", OpenMode::ReadWrite);
    return box && (*box)->count() == 3 && (*box)->find(1)->modseq == modseq &&
           (*box)->highest_modseq() == highest;
  });
}

TEST_CASE("an mbox that grew may have changed before its end", "[index]") {
  Home home;
  const std::string where = "mbox:~/mail:INBOX=~/inbox";
  home.write("inbox", "");
  auto storage = home.storage(where);
  auto inbox = open_inbox(*storage);
  for (const char* name : {"a", "b", "c"}) {
    REQUIRE(save_one(*inbox, fmt::format("Subject: {}\n\nx\n", name)));
  }
  REQUIRE(inbox->sync());
  elsewhere([&] {
    Registry registry;
    auto own = Storage::open(registry, home.settings(where));
    auto box = (*own)->open_mailbox("INBOX", OpenMode::ReadWrite);
    uint32_t two[] = {2}, three[] = {3};
    // Of one size: a message begins where the file ended.
    return box && (*box)->expunge(two) &&
           (*box)->store(three, {.what = {kFlagged, {}}}) &&
           save_one(**box, "Subject: d\n\nx\n") &&
           save_one(**box, "Subject: e\n\nx\n");
  });
  REQUIRE(inbox->sync());
  CHECK(inbox->uids() == std::vector<uint32_t>{1, 3, 4, 5});
  CHECK(inbox->find(3)->flags == kFlagged);
  for (auto [uid, name] : {std::pair(1, 'a'), {3, 'c'}, {4, 'd'}, {5, 'e'}}) {
    auto reader = inbox->open_message(static_cast<uint32_t>(uid));
    REQUIRE(reader);
    CHECK((*reader)->read_all() == fmt::format("Subject: {}\n\nx\n", name));
  }
}

}  // namespace mail::mailbox
