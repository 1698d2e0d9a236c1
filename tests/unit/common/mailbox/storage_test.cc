#include <catch2/catch.hpp>

#include "tests/unit/common/mailbox/temporary.h"

namespace mail::mailbox {

namespace {

std::string listing(Storage& storage, std::string pattern,
                    ListOptions options = {}) {
  auto entries = storage.list("", {std::move(pattern)}, options);
  if (!entries) return entries.error().what;
  std::string out;
  for (const ListEntry& entry : *entries) {
    out += entry.name;
    if (entry.no_select) out += " \\Noselect";
    if (entry.has_children) out += *entry.has_children ? " +" : " -";
    if (!entry.special_use.empty()) out += " " + entry.special_use;
    out += '\n';
  }
  return out;
}

std::string why(const Result<>& result) {
  return result ? "ok" : result.error().what;
}

}  // namespace

TEST_CASE("mailboxes are made, renamed and removed", "[storage]") {
  Home home;
  auto storage = home.storage();
  REQUIRE(storage);
  CHECK(why(storage->create("A.B")) == "ok");
  CHECK(why(storage->create("A.B")) == "Mailbox already exists");
  CHECK(why(storage->create("foo.")) == "ok");
  CHECK(why(storage->create("a/b")) ==
        "Invalid mailbox name: Name must not have '/' characters");
  CHECK(why(storage->create("~x")) == "Invalid mailbox name: Begins with '~'");
  CHECK(why(storage->create(".x")) ==
        "Invalid mailbox name: Begins with hierarchy separator");
  CHECK(why(storage->create("x..y")) ==
        "Invalid mailbox name: Has adjacent hierarchy separators");
  CHECK(why(storage->create("")) == "Invalid mailbox name: Name is empty");
  CHECK(why(storage->create("a\tb")) ==
        "Control characters not allowed in new mailbox names");
  CHECK(why(storage->create("inbox")) == "Mailbox already exists");
  CHECK(why(storage->remove("inbox")) == "INBOX can't be deleted");
  CHECK(why(storage->remove("nosuch")) == "Mailbox doesn't exist: nosuch");
  CHECK(why(storage->remove("A")) == "Mailbox doesn't exist: A");
  CHECK(why(storage->rename("INBOX", "x")) == "Renaming INBOX isn't supported");
  CHECK(why(storage->rename("nosuch", "x")) == "Mailbox doesn't exist: nosuch");
  CHECK(why(storage->rename("foo", "A.B")) == "Target mailbox already exists");
  CHECK(why(storage->rename("A.B", "A.B.C")) ==
        "Can't rename mailbox under its own child");
  CHECK(listing(*storage, "*") == "A \\Noselect +\nA.B -\nINBOX -\nfoo -\n");
  CHECK(listing(*storage, "%") == "A \\Noselect +\nINBOX -\nfoo -\n");
  CHECK(why(storage->rename("A", "Z")) == "ok");
  CHECK(listing(*storage, "*") == "INBOX -\nZ \\Noselect +\nZ.B -\nfoo -\n");
  CHECK(why(storage->remove("Z.B")) == "ok");
  CHECK(listing(*storage, "*") == "INBOX -\nfoo -\n");
  CHECK(home.files("Maildir") == std::vector<std::string>{".foo"});
}

TEST_CASE("subscriptions are kept and listed", "[storage]") {
  Home home;
  auto storage = home.storage();
  REQUIRE(storage->create("A.B"));
  REQUIRE(storage->create("foo"));
  CHECK(why(storage->subscribe("nosuch")) == "Mailbox doesn't exist: nosuch");
  REQUIRE(storage->subscribe("A.B"));
  REQUIRE(storage->subscribe("INBOX"));
  REQUIRE(storage->unsubscribe("nosuch"));
  CHECK(home.read("Maildir/subscriptions") == "V\t2\n\nA\tB\nINBOX\n");
  ListOptions lsub{.only_subscribed = true, .return_children = false};
  CHECK(listing(*storage, "*", lsub) == "A.B\nINBOX\n");
  lsub.recursive_match = true;
  CHECK(listing(*storage, "%", lsub) == "A \\Noselect\nINBOX\n");
  REQUIRE(storage->remove("A.B"));
  CHECK(listing(*storage, "*") == "INBOX -\nfoo -\n");
  lsub.recursive_match = false;
  CHECK(listing(*storage, "*", lsub) == "A.B \\Noselect\nINBOX\n");
}

TEST_CASE("mailboxes of the settings are there and made when used",
          "[storage]") {
  Home home;
  UserSettings settings = home.settings();
  NamespaceSettings space;
  space.inbox = true;
  using Auto = MailboxSettings::Auto;
  space.mailboxes = {
      {.name = "Sent", .special_use = "\\Sent"},
      {.name = "Trash", .automatic = Auto::Create, .special_use = "\\Trash"},
      {.name = "Drafts",
       .automatic = Auto::Subscribe,
       .special_use = "\\Drafts"}};
  settings.namespaces = {space};
  auto opened = Storage::open(home.registry, settings);
  REQUIRE(opened);
  Storage& storage = **opened;
  CHECK(listing(storage, "*") ==
        "Drafts - \\Drafts\nINBOX -\nTrash - \\Trash\n");
  ListOptions lsub{.only_subscribed = true, .return_children = false};
  CHECK(listing(storage, "*", lsub) == "Drafts \\Drafts\n");
  CHECK_FALSE(std::filesystem::exists(home.path + "/Maildir/.Drafts"));
  CHECK_FALSE(storage.open_mailbox("Sent", OpenMode::ReadWrite));
  REQUIRE(storage.status("Drafts", true));
  CHECK(std::filesystem::exists(home.path + "/Maildir/.Drafts"));
  CHECK(home.read("Maildir/subscriptions") == "V\t2\n\nDrafts\n");
  REQUIRE(storage.create("Sent"));
  ListOptions special{.only_special_use = true};
  CHECK(listing(storage, "*", special) ==
        "Drafts - \\Drafts\nSent - \\Sent\nTrash - \\Trash\n");
}

TEST_CASE("a namespace's prefix and separator shape its names", "[storage]") {
  Home home;
  UserSettings settings = home.settings();
  NamespaceSettings space;
  space.inbox = true;
  space.prefix = "INBOX/";
  space.separator = "/";
  NamespaceSettings shared;
  shared.prefix = "Public/";
  shared.separator = "/";
  shared.type = NamespaceSettings::Type::Public;
  shared.subscriptions = false;
  shared.location = "maildir:~/public:LAYOUT=fs";
  settings.namespaces = {space, shared};
  auto opened = Storage::open(home.registry, settings);
  REQUIRE(opened);
  Storage& storage = **opened;
  REQUIRE(storage.create("INBOX/A/B"));
  REQUIRE(storage.create("Public/x"));
  CHECK(listing(storage, "*") ==
        "INBOX +\nINBOX/A \\Noselect +\nINBOX/A/B -\nPublic \\Noselect +\n"
        "Public/x -\n");
  CHECK(std::filesystem::exists(home.path + "/Maildir/.A.B/cur"));
  CHECK(std::filesystem::exists(home.path + "/public/x/cur"));
  CHECK(why(storage.create("other"))
            .starts_with("Client tried to access nonexistent namespace."));
  CHECK(why(storage.create("INBOX/a.b")) ==
        "Invalid mailbox name: Name must not have '.' characters");
  CHECK(storage.namespaces().size() == 2);

  settings.namespaces[1].inbox = true;
  CHECK(Storage::open(home.registry, settings).error().what ==
        "namespace configuration error: There can be only one namespace with "
        "inbox=yes");
  settings.namespaces[0].inbox = settings.namespaces[1].inbox = false;
  CHECK(Storage::open(home.registry, settings).error().what ==
        "namespace configuration error: inbox=yes namespace missing");
}

TEST_CASE("INDEX and CONTROL have directories of their own", "[storage]") {
  Home home;
  auto storage = home.storage("maildir:~/Maildir:INDEX=~/idx:CONTROL=~/ctl");
  REQUIRE(storage->create("A.B"));
  REQUIRE(storage->open_mailbox("INBOX", OpenMode::ReadWrite));
  REQUIRE(storage->open_mailbox("A.B", OpenMode::ReadWrite));
  CHECK_FALSE(home.read("ctl/.INBOX/dovecot-uidlist").empty());
  CHECK_FALSE(home.read("ctl/.A.B/dovecot-uidlist").empty());
  CHECK_FALSE(home.read("ctl/dovecot-uidvalidity").empty());
  REQUIRE(storage->rename("A.B", "C"));
  CHECK_FALSE(home.read("ctl/.C/dovecot-uidlist").empty());
  REQUIRE(storage->remove("C"));
  CHECK_FALSE(std::filesystem::exists(home.path + "/ctl/.C"));
}

}  // namespace mail::mailbox
