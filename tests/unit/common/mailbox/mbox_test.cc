#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/mailbox/mbox_format.h"
#include "tests/unit/common/mailbox/temporary.h"

namespace mail::mailbox {

namespace {

constexpr const char* kLocation = "mbox:~/mail:INBOX=~/inbox";
constexpr const char* kFrom = "From a@b  Tue Nov 24 15:41:57 2026\n";

std::unique_ptr<Mailbox> open_inbox(Storage& storage) {
  auto opened = storage.open_mailbox("INBOX", OpenMode::ReadWrite);
  if (!opened) FAIL(opened.error().what);
  return std::move(*opened);
}

std::string text_of(Mailbox& mailbox, uint32_t uid) {
  auto reader = mailbox.open_message(uid);
  if (!reader) return reader.error().what;
  return (*reader)->read_all().value_or("?");
}

void append_to(Home& home, const std::string& file, std::string_view text) {
  home.write(file, home.read(file) + std::string(text));
}

}  // namespace

TEST_CASE("From_ lines are told from text", "[mbox]") {
  for (const char* line :
       {"From a@b  Tue Nov 24 15:41:57 2026", "From a Tue Nov 24 15:41 2026",
        "From a@b Tue, 24 Nov 2026 15:41:57 +0000",
        "From a@b Tue Nov 24 15:41:57 GMT 2026",
        "From a Tue Nov  3 15:41:57 2026 remote from host"}) {
    CHECK(parse_from_line(line));
  }
  for (const char* line :
       {"From not a separator", "From ", ">From a",
        "from a Tue Nov 24 15:41:57 2026", "From a Tue Nov 24 2026"}) {
    CHECK_FALSE(parse_from_line(line));
  }
  CHECK(parse_from_line("From x Wed Feb  5 10:00:00 +0200 2020") == 1580889600);
  CHECK(parse_from_line(make_from_line("a b", 1580889600)) == 1580889600);
}

TEST_CASE("a header's own lines are hidden and can be made anew", "[mbox]") {
  MboxFields fields;
  fields.uid = 7;
  fields.flags = kSeen | kFlagged;
  fields.keywords = {"a", "b"};
  fields.content_length = 5;
  fields.base = MboxBase{99, 7, {"a", "b"}};
  std::string block = make_mbox_block(fields);
  auto header = parse_mbox_header(kFrom + ("Subject: x\n" + block) + "\nbody");
  REQUIRE(header);
  CHECK(header->visible == "Subject: x\n\n");
  CHECK(header->uid == 7U);
  CHECK(header->flags == (kSeen | kFlagged));
  CHECK(header->old);
  CHECK(header->keywords == fields.keywords);
  CHECK(header->content_length == 5U);
  REQUIRE(header->base);
  CHECK(header->base->uidvalidity == 99);
  CHECK(header->block_end - header->block_begin == block.size());
  fields.flags = kAnswered | kDeleted | kDraft;
  fields.keywords = {};
  CHECK(make_mbox_block(fields, block.size()).size() == block.size());
  CHECK(make_mbox_block(fields, 20).empty());
}

TEST_CASE("an mbox that others write is read and numbered", "[mbox]") {
  Home home;
  home.write("inbox", std::string(kFrom) +
                          "Subject: 1\n\none\nFrom not one\n\n" + kFrom +
                          "Subject: 2\nStatus: RO\n\n\n" + kFrom +
                          "Subject: 3\nContent-Length: 41\n\n" + "text\n\n" +
                          kFrom + "\n");
  auto storage = home.storage(kLocation);
  REQUIRE(storage);
  auto inbox = open_inbox(*storage);
  CHECK(home.log == "");
  REQUIRE(inbox->uids() == std::vector<uint32_t>{1, 2, 3});
  CHECK(text_of(*inbox, 1) == "Subject: 1\n\none\nFrom not one\n");
  CHECK(text_of(*inbox, 2) == "Subject: 2\n\n");
  CHECK(text_of(*inbox, 3) == "Subject: 3\n\ntext\n\n" + std::string(kFrom));
  CHECK(inbox->find(2)->flags == kSeen);
  CHECK(inbox->virtual_size(1) == text_of(*inbox, 1).size() + 4);
  uint32_t validity = inbox->uidvalidity();
  CHECK(home.read("inbox").find(fmt::format("X-IMAPbase: {} 0000000003",
                                            validity)) != std::string::npos);
  // procmail appends.
  append_to(home, "inbox", std::string(kFrom) + "Subject: 4\n\nfour\n\n");
  auto changes = inbox->sync();
  REQUIRE(changes);
  CHECK(changes->appended == std::vector<uint32_t>{4});
  CHECK(text_of(*inbox, 4) == "Subject: 4\n\nfour\n");
  // All without the index.
  inbox.reset();
  home.remove_index("mail/.imap");
  inbox = open_inbox(*storage);
  CHECK(inbox->uids() == std::vector<uint32_t>{1, 2, 3, 4});
  CHECK(inbox->uidvalidity() == validity);
  CHECK(inbox->uidnext() == 5);
  CHECK(home.log == "");
}

TEST_CASE("messages are saved in, flagged in and expunged from an mbox",
          "[mbox]") {
  Home home;
  auto storage = home.storage(kLocation);
  auto inbox = open_inbox(*storage);
  CHECK(inbox->count() == 0);
  SaveOptions options;
  options.flags = {kSeen, {"$Foo"}};
  options.internal_date = 1580889600;
  REQUIRE(save_one(*inbox, "From: a@b\r\nSubject: x\r\n\r\nline\r\nFrom x\r\n",
                   options));
  CHECK(home.read("inbox").starts_with(
      "From user@host.example  Wed Feb 05 08:00:00 2020\n"
      "From: a@b\nSubject: x\nX-IMAPbase: "));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(save_one(*inbox, fmt::format("Subject: {}\n\nbody {}\n", i, i)));
  }
  REQUIRE(inbox->sync());
  REQUIRE(inbox->uids() == std::vector<uint32_t>{1, 2, 3, 4});
  CHECK(text_of(*inbox, 1) == "From: a@b\nSubject: x\n\nline\nFrom x\n");
  CHECK(inbox->virtual_size(1) == 39);
  CHECK(inbox->internal_date(1) == 1580889600);
  size_t size = home.read("inbox").size();
  uint32_t some[] = {1, 3};
  REQUIRE(inbox->store(some, {.what = {kFlagged | kDeleted, {"bar"}}}));
  // In place: the lines have room.
  CHECK(home.read("inbox").size() == size);
  CHECK(home.read("inbox").find("$Foo bar\n") != std::string::npos);
  auto changes = inbox->sync();
  CHECK(changes->flags == std::vector<uint32_t>{1, 3});
  CHECK(inbox->expunge(some) == std::vector<uint32_t>{1, 3});
  changes = inbox->sync();
  CHECK(changes->expunged.size() == 2);
  CHECK(text_of(*inbox, 2) == "Subject: 0\n\nbody 0\n");
  CHECK(text_of(*inbox, 4) == "Subject: 2\n\nbody 2\n");
  uint32_t validity = inbox->uidvalidity();
  inbox.reset();
  home.remove_index("mail/.imap");
  inbox = open_inbox(*storage);
  CHECK(inbox->uids() == std::vector<uint32_t>{2, 4});
  CHECK(inbox->uidvalidity() == validity);
  CHECK(inbox->uidnext() == 5);
  CHECK(inbox->keywords() == std::vector<std::string>{"$Foo", "bar"});
  // The longest headers and bodies.
  std::string large = "Subject: large\n\n" + std::string(700'000, 'x') + "\n";
  REQUIRE(save_one(*inbox, large));
  REQUIRE(inbox->sync());
  CHECK(text_of(*inbox, 5) == large);
  CHECK(home.log == "");
}

TEST_CASE("messages go from mbox to mbox", "[mbox]") {
  Home home;
  auto storage = home.storage(kLocation);
  REQUIRE(storage->create("dir/box"));
  CHECK(storage->create("dir/box").error().sys == EEXIST);
  auto inbox = open_inbox(*storage);
  REQUIRE(save_one(*inbox, "a: b\n\n1\n", {.flags = {kSeen, {"k"}}}));
  REQUIRE(inbox->sync());
  auto box = storage->open_mailbox("dir/box", OpenMode::ReadWrite);
  REQUIRE(box);
  uint32_t one[] = {1};
  REQUIRE(inbox->move(one, **box));
  REQUIRE((*box)->sync());
  CHECK(text_of(**box, 1) == "a: b\n\n1\n");
  CHECK((*box)->find(1)->flags == kSeen);
  REQUIRE(inbox->sync());
  CHECK(inbox->count() == 0);
  CHECK(inbox->uidnext() == 2);
  CHECK(home.read("inbox").empty());
}

TEST_CASE("an mbox that is cut anywhere can be read and written", "[mbox]") {
  Home home;
  {
    auto storage = home.storage(kLocation);
    auto inbox = open_inbox(*storage);
    for (int i = 0; i < 3; ++i) {
      REQUIRE(save_one(*inbox, fmt::format("Subject: {}\n\nbody {}\n", i, i)));
    }
  }
  std::string whole = home.read("inbox");
  for (size_t cut = 1; cut < whole.size(); cut += 5) {
    home.write("inbox", whole.substr(0, cut));
    home.remove_index("mail/.imap");
    auto storage = home.storage(kLocation);
    auto opened = storage->open_mailbox("INBOX", OpenMode::ReadWrite);
    if (!opened) {
      // Nothing but a part of the first line.
      CHECK(cut <= whole.find('\n'));
      CHECK(home.read("inbox") == whole.substr(0, cut));
      continue;
    }
    Mailbox& inbox = **opened;
    uint32_t before = inbox.count();
    REQUIRE(save_one(inbox, "Subject: new\n\nnew\n"));
    REQUIRE(inbox.sync());
    REQUIRE(inbox.count() == before + 1);
    CHECK(text_of(inbox, inbox.uid(before + 1)) == "Subject: new\n\nnew\n");
    if (before > 1) {
      CHECK(text_of(inbox, inbox.uid(1)) == "Subject: 0\n\nbody 0\n");
    }
  }
}

TEST_CASE("an expunge that is killed loses nothing", "[mbox]") {
  Home home;
  auto fill = [&] {
    auto storage = home.storage(kLocation);
    auto inbox = open_inbox(*storage);
    for (int i = 0; i < 60; ++i) {
      REQUIRE(save_one(*inbox, fmt::format("Subject: {}\n\n{}\n", i,
                                           std::string(20'000, 'x'))));
    }
  };
  fill();
  uint32_t last = 0, before = 60;
  for (int round = 0; round < 12; ++round) {
    int steps[2];
    REQUIRE(pipe(steps) == 0);
    pid_t pid = fork();
    if (pid == 0) {
      Registry registry;
      auto own = Storage::open(registry, home.settings(kLocation));
      auto box = (*own)->open_mailbox("INBOX", OpenMode::ReadWrite);
      if (!box) _exit(1);
      while (write(steps[1], "x", 1) == 1) {
        uint32_t uid[] = {(*box)->uid(1)};
        (void)(*box)->expunge(uid);
        (void)save_one(**box, "Subject: more\n\n" + std::string(20'000, 'y'));
        (void)(*box)->sync();
      }
    }
    char step;
    for (int i = 0; i < 2 + round; ++i) REQUIRE(read(steps[0], &step, 1) == 1);
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    close(steps[0]);
    close(steps[1]);
    auto storage = home.storage(kLocation);
    auto inbox = open_inbox(*storage);
    // One is taken away, then one is added at each step.
    CHECK(inbox->count() + 1 >= before);
    CHECK(inbox->count() <= before);
    before = inbox->count();
    CHECK(inbox->uid(inbox->count()) >= last);
    last = inbox->uid(inbox->count());
    for (uint32_t uid : inbox->uids()) {
      std::string text = text_of(*inbox, uid);
      CHECK(text.starts_with("Subject: "));
      CHECK(text.size() < 21'000);
    }
    CHECK(inbox->uidnext() > last);
  }
  CHECK(home.log == "");
}

}  // namespace mail::mailbox
