#include <fcntl.h>

#include <catch2/catch.hpp>

#include "common/mailbox/control_lock.h"
#include "tests/unit/common/mailbox/temporary.h"

namespace mail::mailbox {

namespace {

std::unique_ptr<Mailbox> open_inbox(Storage& storage,
                                    OpenMode mode = OpenMode::ReadWrite) {
  auto opened = storage.open_mailbox("INBOX", mode);
  if (!opened) FAIL(opened.error().what);
  return std::move(*opened);
}

std::string text_of(Mailbox& mailbox, uint32_t uid) {
  auto reader = mailbox.open_message(uid);
  if (!reader) return reader.error().what;
  return (*reader)->read_all().value_or("?");
}

}  // namespace

TEST_CASE("a new INBOX is made as the original makes it", "[maildir]") {
  Home home;
  auto storage = home.storage();
  REQUIRE(storage);
  auto inbox = open_inbox(*storage);
  CHECK(inbox->count() == 0);
  CHECK(inbox->uidnext() == 1);
  CHECK(inbox->highest_modseq() == 1);
  CHECK(home.files("Maildir") ==
        std::vector<std::string>{
            "cur", "dovecot-uidlist", "dovecot-uidvalidity",
            fmt::format("dovecot-uidvalidity.{:08x}", inbox->uidvalidity()),
            "maildirfolder", "new", "postcote.index", "postcote.index-lock",
            "postcote.index.boot", "tmp"});
  CHECK(home.read("Maildir/dovecot-uidlist") ==
        fmt::format("3 V{} N1 G{}\n", inbox->uidvalidity(), inbox->guid()));
}

TEST_CASE("messages are saved, flagged and expunged", "[maildir]") {
  Home home;
  auto storage = home.storage();
  auto inbox = open_inbox(*storage);
  auto uids = save_one(*inbox, "Subject: a\r\n\r\nbody\r\n");
  REQUIRE(uids);
  CHECK(*uids == std::vector<uint32_t>{1});
  SaveOptions options;
  options.flags.flags = kSeen;
  options.flags.keywords = {"$Foo"};
  options.internal_date = 1000;
  REQUIRE(save_one(*inbox, "Subject: b\n\nx\n", options));
  CHECK(inbox->count() == 0);
  auto changes = inbox->sync();
  REQUIRE(changes);
  CHECK(changes->appended == std::vector<uint32_t>{1, 2});
  CHECK(inbox->count() == 2);
  CHECK(inbox->recent() == 2);
  CHECK(inbox->first_unseen() == 1);
  CHECK(text_of(*inbox, 1) == "Subject: a\n\nbody\n");
  CHECK(inbox->physical_size(1) == 17);
  CHECK(inbox->virtual_size(1) == 20);
  CHECK(inbox->internal_date(2) == 1000);
  auto second = inbox->find(2);
  REQUIRE(second);
  CHECK(second->flags == kSeen);
  CHECK(inbox->keywords() == std::vector<std::string>{"$Foo"});
  CHECK(second->keywords == 1);
  CHECK(home.files("Maildir/new").empty());

  uint64_t before = inbox->highest_modseq();
  uint32_t one[] = {1};
  auto stored = inbox->store(one, {.what = {kFlagged | kDeleted, {}}});
  REQUIRE(stored);
  CHECK(stored->changed == std::vector<uint32_t>{1});
  CHECK(stored->modseq == before + 1);
  CHECK(inbox->store(one, {.what = {kSeen, {}}, .unchanged_since = before})
            ->modified == std::vector<uint32_t>{1});
  changes = inbox->sync();
  CHECK(changes->flags == std::vector<uint32_t>{1});
  bool renamed = false;
  for (auto& name : home.files("Maildir/cur")) {
    renamed = renamed || name.ends_with(":2,FT");
  }
  CHECK(renamed);

  CHECK(inbox->expunge(one) == std::vector<uint32_t>{1});
  CHECK_FALSE(inbox->find(1));
  CHECK(inbox->count() == 2);  // until told
  changes = inbox->sync(Mailbox::Expunges::Hold);
  CHECK(changes->expunged.empty());
  CHECK(inbox->count() == 2);
  changes = inbox->sync();
  REQUIRE(changes->expunged.size() == 1);
  CHECK(changes->expunged[0].seq == 1);
  CHECK(inbox->count() == 1);
  CHECK(inbox->uid(1) == 2);
  CHECK(inbox->expunged_since(before) == std::vector<uint32_t>{1});
}

TEST_CASE("what other programs do is seen", "[maildir]") {
  Home home;
  auto storage = home.storage();
  auto inbox = open_inbox(*storage);
  auto other = open_inbox(*storage, OpenMode::ReadOnly);
  home.deliver("10.M1.h");
  home.deliver("9.M1.h", "early\n");
  auto changes = inbox->sync();
  REQUIRE(changes);
  CHECK(changes->appended == std::vector<uint32_t>{1, 2});
  CHECK(text_of(*inbox, 1) == "early\n");
  CHECK(home.files("Maildir/cur") ==
        std::vector<std::string>{"10.M1.h:2,", "9.M1.h:2,"});
  // mutt: a flag, an old message moved away, one that comes again.
  std::filesystem::rename(home.path + "/Maildir/cur/9.M1.h:2,",
                          home.path + "/Maildir/cur/9.M1.h:2,PS");
  std::filesystem::rename(home.path + "/Maildir/cur/10.M1.h:2,",
                          home.path + "/10");
  changes = inbox->sync();
  REQUIRE(changes);
  CHECK(changes->flags == std::vector<uint32_t>{1});
  CHECK(inbox->find(1)->flags == kSeen);
  REQUIRE(changes->expunged.size() == 1);
  CHECK(changes->expunged[0].uid == 2);
  std::filesystem::rename(home.path + "/10",
                          home.path + "/Maildir/cur/10.M1.h:2,");
  changes = inbox->sync();
  CHECK(changes->appended == std::vector<uint32_t>{3});
  uint32_t first[] = {1};
  REQUIRE(inbox->store(first,
                       {.action = Store::Action::Remove, .what = {kSeen, {}}}));
  CHECK(home.files("Maildir/cur") ==
        std::vector<std::string>{"10.M1.h:2,", "9.M1.h:2,P"});
  // The other session is told of all that.
  changes = other->sync();
  CHECK(changes->appended == std::vector<uint32_t>{1, 3});
  CHECK(other->recent() == 0);
}

TEST_CASE("uids survive a lost cache and a broken uidlist", "[maildir]") {
  Home home;
  auto storage = home.storage();
  uint32_t validity = 0;
  {
    auto inbox = open_inbox(*storage);
    for (int i = 0; i < 3; ++i) REQUIRE(save_one(*inbox, "a: b\n\n"));
    uint32_t two[] = {2};
    REQUIRE(inbox->expunge(two));
    validity = inbox->uidvalidity();
  }
  uint64_t modseq = open_inbox(*storage)->highest_modseq();
  CHECK(modseq < 100);
  CHECK(open_inbox(*storage)->expunged_since(modseq - 1) ==
        std::vector<uint32_t>{2});
  home.remove_index();
  {
    auto inbox = open_inbox(*storage);
    CHECK(inbox->uids() == std::vector<uint32_t>{1, 3});
    CHECK(inbox->uidvalidity() == validity);
    CHECK_FALSE(inbox->expunged_since(modseq));
    CHECK(inbox->uidnext() == 4);
    // What was seen before may have had any modseq.
    CHECK(inbox->highest_modseq() > 1'000'000'000'000);
  }
  std::string list = home.read("Maildir/dovecot-uidlist");
  // A line is torn off; another program's append.
  home.write("Maildir/dovecot-uidlist", list + "4 :torn");
  auto inbox = open_inbox(*storage);
  CHECK(inbox->uids() == std::vector<uint32_t>{1, 3});
  REQUIRE(save_one(*inbox, "c: d\n\n"));
  REQUIRE(inbox->sync());
  CHECK(inbox->uids() == std::vector<uint32_t>{1, 3, 4});
  CHECK(home.read("Maildir/dovecot-uidlist").find("torn") == std::string::npos);
  // Somebody removes the list while we know it.
  std::filesystem::remove(home.path + "/Maildir/dovecot-uidlist");
  REQUIRE(save_one(*inbox, "e: f\n\n"));
  REQUIRE(inbox->sync());
  CHECK(inbox->uids() == std::vector<uint32_t>{1, 3, 4, 5});
  CHECK(inbox->uidvalidity() == validity);
}

TEST_CASE("a uidlist cut anywhere loses no message and reuses no uid",
          "[maildir]") {
  Home home;
  auto storage = home.storage();
  {
    auto inbox = open_inbox(*storage);
    for (int i = 0; i < 3; ++i) REQUIRE(save_one(*inbox, "a: b\n\n"));
  }
  std::string list = home.read("Maildir/dovecot-uidlist");
  uint32_t validity = open_inbox(*storage)->uidvalidity();
  for (size_t cut = 0; cut < list.size(); ++cut) {
    home.write("Maildir/dovecot-uidlist", list.substr(0, cut));
    // The index knows all uids.
    INFO("cut at " << cut << " of " << list);
    auto inbox = open_inbox(*storage);
    CHECK(inbox->uids() == std::vector<uint32_t>{1, 2, 3});
    CHECK(inbox->uidvalidity() == validity);
    inbox.reset();
    home.write("Maildir/dovecot-uidlist", list.substr(0, cut));
    home.remove_index();
    inbox = open_inbox(*storage);
    CHECK(inbox->count() == 3);
    CHECK(inbox->uid(3) >= 3);
    if (inbox->uidvalidity() != validity) CHECK(cut <= list.find('\n'));
    inbox.reset();
    home.remove_index();
    home.write("Maildir/dovecot-uidlist", list);
    open_inbox(*storage);
  }
}

TEST_CASE("of two lines for one file the later holds", "[maildir]") {
  Home home;
  auto storage = home.storage();
  auto opened = storage->open_mailbox("INBOX", OpenMode::ReadWrite);
  REQUIRE(opened);
  Mailbox& inbox = **opened;
  REQUIRE(save_one(inbox, "a: b\n\n"));
  REQUIRE(inbox.sync());
  std::string list = home.read("Maildir/dovecot-uidlist");
  std::string name = list.substr(list.rfind(" :") + 2);
  auto fd =
      open_file(home.path + "/Maildir/dovecot-uidlist", O_WRONLY | O_APPEND);
  REQUIRE(fd);
  REQUIRE(write_all(fd->get(), "2 :" + name));
  home.deliver("1.M1.h");
  auto changes = inbox.sync();
  REQUIRE(changes);
  CHECK(inbox.uids() == std::vector<uint32_t>{2, 3});
  REQUIRE(changes->expunged.size() == 1);
  CHECK(changes->expunged[0].uid == 1);
  CHECK((*inbox.open_message(2))->read_all() == "a: b\n\n");
}

TEST_CASE("a lock of a process that died is taken away", "[maildir]") {
  using std::chrono::milliseconds;
  Home home;
  auto acquire = [&](const std::string& file, int timeout) {
    return ControlLock::acquire(home.path + "/" + file, "h",
                                milliseconds(timeout));
  };
  // Held, and empty, as a full disk leaves it.
  auto held = acquire("held", 0);
  REQUIRE(held);
  CHECK(home.read("held.lock") == fmt::format("{}:h", getpid()));
  REQUIRE(truncate(held->path().c_str(), 0) == 0);
  home.write("alive.lock", fmt::format("{}:h", getpid()));
  home.write("elsewhere.lock", "4194305:another");
  home.write("dead.lock", "4194305:h");
  home.write("empty.lock", "");
  CHECK_FALSE(acquire("empty", 0));
  CHECK_FALSE(acquire("dead", 0));
  CHECK(acquire("empty", 5000));
  CHECK(acquire("dead", 5000));
  CHECK_FALSE(acquire("held", 0));
  CHECK_FALSE(acquire("alive", 0));
  CHECK_FALSE(acquire("elsewhere", 0));
}

TEST_CASE("saving without uids needs no open mailbox", "[maildir]") {
  Home home;
  auto storage = home.storage();
  auto saving = storage->save("INBOX", Uids::Later);
  REQUIRE(saving);
  REQUIRE((*saving)->begin({}));
  REQUIRE((*saving)->write("a: b\r"));
  REQUIRE((*saving)->write("\n\r\nx\r\n"));
  REQUIRE((*saving)->end());
  REQUIRE((*saving)->finish());
  CHECK(home.files("Maildir/tmp").empty());
  auto names = home.files("Maildir/new");
  REQUIRE(names.size() == 1);
  CHECK(names[0].ends_with(",S=8,W=11"));
  CHECK_FALSE(std::filesystem::exists(home.path + "/Maildir/dovecot-uidlist"));
  auto inbox = open_inbox(*storage);
  CHECK(inbox->recent() == 1);
  // Given up before commit: nothing stays.
  saving = storage->save("INBOX", Uids::Later);
  REQUIRE((*saving)->begin({}));
  REQUIRE((*saving)->write("half"));
  saving->reset();
  CHECK(home.files("Maildir/tmp").empty());
}

TEST_CASE("messages are copied and moved between mailboxes", "[maildir]") {
  Home home;
  auto storage = home.storage();
  REQUIRE(storage->create("Sub.Box"));
  auto inbox = open_inbox(*storage);
  SaveOptions options;
  options.flags = {kSeen, {"work"}};
  options.internal_date = 5000;
  REQUIRE(save_one(*inbox, "a: b\n\n1\n", options));
  REQUIRE(save_one(*inbox, "a: b\n\n2\n"));
  REQUIRE(inbox->sync());
  auto box = storage->open_mailbox("Sub.Box", OpenMode::ReadWrite);
  REQUIRE(box);
  uint32_t both[] = {1, 2};
  auto copied = inbox->copy(both, **box);
  REQUIRE(copied);
  CHECK(copied->to == std::vector<uint32_t>{1, 2});
  REQUIRE((*box)->sync());
  CHECK((*box)->find(1)->flags == kSeen);
  CHECK((*box)->keywords() == std::vector<std::string>{"work"});
  CHECK((*box)->internal_date(1) == 5000);
  CHECK(text_of(**box, 2) == "a: b\n\n2\n");
  uint32_t first[] = {1};
  auto moved = inbox->move(first, **box);
  REQUIRE(moved);
  CHECK(moved->to == std::vector<uint32_t>{3});
  auto changes = inbox->sync();
  CHECK(changes->expunged.size() == 1);
}

TEST_CASE("POP3's uidls are kept in the uidlist", "[maildir]") {
  Home home;
  auto storage = home.storage();
  auto inbox = open_inbox(*storage);
  SaveOptions options;
  options.pop3_uidl = "old-uidl";
  REQUIRE(save_one(*inbox, "a: b\n\n", options));
  REQUIRE(save_one(*inbox, "a: b\n\n"));
  CHECK(inbox->saved_uidl(1) == "old-uidl");
  CHECK_FALSE(inbox->saved_uidl(2));
  std::pair<uint32_t, std::string> uidls[] = {{1, "x"}, {2, "new"}};
  REQUIRE(inbox->save_uidls(uidls));
  CHECK(inbox->saved_uidl(1) == "old-uidl");
  CHECK(inbox->saved_uidl(2) == "new");
  inbox.reset();
  inbox = open_inbox(*storage);
  CHECK(inbox->saved_uidl(2) == "new");
}

}  // namespace mail::mailbox
