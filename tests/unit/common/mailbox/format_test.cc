// Names and files, as text.
#include <catch2/catch.hpp>

#include "common/mailbox/keywords.h"
#include "common/mailbox/maildir_name.h"
#include "common/mailbox/name.h"
#include "common/mailbox/pattern.h"
#include "common/mailbox/subscriptions.h"
#include "common/mailbox/uidlist.h"

namespace mail::mailbox {

TEST_CASE("a Maildir file's name has flags, keywords and sizes", "[mailbox]") {
  auto name = parse_maildir_name("1.M2P3.h,S=468,W=490:2,FSbc");
  CHECK(name.base == "1.M2P3.h,S=468,W=490");
  CHECK(name.flags == (kFlagged | kSeen));
  CHECK(name.keywords == 6);
  CHECK(size_in_name(name.base, 'S') == 468);
  CHECK(size_in_name(name.base, 'W') == 490);
  CHECK_FALSE(size_in_name("1.x", 'S'));
  CHECK_FALSE(size_in_name("1,S=x", 'S'));
  CHECK(parse_maildir_name("1.x").info.empty());
  CHECK(maildir_info(kSeen | kDraft, 6) == ":2,DSbc");
}

TEST_CASE("letters that are not ours stay in a file's name", "[mailbox]") {
  CHECK(maildir_info(kSeen, 0, ":2,FPS") == ":2,PS");
  CHECK(maildir_info(kFlagged, 1, ":2,S,more") == ":2,Fa,more");
  CHECK(maildir_info(kSeen, 0, ":1,odd") == ":2,S");
}

TEST_CASE("files get uids in the order of their delivery", "[mailbox]") {
  CHECK(delivery_order("9.M1.h") < delivery_order("10.M0.h"));
  CHECK(delivery_order("10.M9P1.h") < delivery_order("10.M10P1.h"));
  CHECK(delivery_order("10.M9P1.a") < delivery_order("10.M9P1.b"));
  CHECK_FALSE(delivery_order("10.M9P1.a") < delivery_order("10.M9P1.a"));
  CHECK(new_maildir_base("h") != new_maildir_base("h"));
}

constexpr std::string_view kUidlist =
    "3 V1795490535 N19 G869c0000000000000000000000000001 Xfoo\n"
    "1 :1795490535.M1P2.vm,S=28,W=32\n"
    "17 S19 :1795490900.V1I2.host\n"
    "34 P000000226b0502e7 O3 :17954909.x\n";

TEST_CASE("a uidlist is read and written", "[mailbox]") {
  auto list = parse_uidlist(kUidlist);
  REQUIRE(list);
  CHECK(list->uidvalidity == 1795490535);
  CHECK(list->uidnext == 35);  // above the last uid
  CHECK(list->guid == "869c0000000000000000000000000001");
  CHECK(list->fields == "Xfoo");
  REQUIRE(list->entries.size() == 3);
  CHECK(list->entries[1].uid == 17);
  CHECK(list->entries[1].name == "1795490900.V1I2.host");
  CHECK(uidlist_field(list->entries[2].fields, 'P') == "000000226b0502e7");
  CHECK(uidlist_field(list->entries[2].fields, 'O') == "3");
  CHECK_FALSE(uidlist_field(list->entries[2].fields, 'G'));
  std::string again = format_uidlist_header(*list);
  for (auto& entry : list->entries) again += format_uidlist_line(entry);
  std::string expected(kUidlist);
  expected.replace(expected.find("N19"), 3, "N35");
  CHECK(again == expected);
}

TEST_CASE("a uidlist that is cut anywhere keeps its whole lines", "[mailbox]") {
  size_t header = kUidlist.find('\n') + 1;
  for (size_t cut = 0; cut < kUidlist.size(); ++cut) {
    auto list = parse_uidlist(kUidlist.substr(0, cut));
    if (cut < header) {
      CHECK_FALSE(list);
      continue;
    }
    REQUIRE(list);
    std::string_view whole = kUidlist.substr(0, list->complete);
    CHECK(whole.ends_with('\n'));
    CHECK(list->complete <= cut);
    CHECK(static_cast<long>(list->entries.size()) ==
          std::count(whole.begin(), whole.end(), '\n') - 1);
    CHECK(list->broken.empty());
  }
}

TEST_CASE("lines of a uidlist that make no sense are left out", "[mailbox]") {
  auto list = parse_uidlist(
      "3 V1 N5 G0\n1 :a\nx :b\n1 :c\n2 nocolon\n3 :\n4 :d/e\n9 :f\n");
  REQUIRE(list);
  REQUIRE(list->entries.size() == 2);
  CHECK(list->entries[1].uid == 9);
  CHECK(list->broken.size() == 5);
  CHECK(list->broken[0] == "line 3: invalid uid");
  CHECK(parse_uidlist("2 V1 N1\n").error().what ==
        "line 1: Corrupted header (invalid version number)");
  CHECK_FALSE(parse_uidlist("3 N1 G0\n"));
  CHECK_FALSE(parse_uidlist("3 V4294967296 N1\n"));
}

TEST_CASE("a uidlist of version 1 is read", "[mailbox]") {
  auto list = parse_uidlist("1 1234 7\n5 100.x:2,S\n6 101.y\n");
  REQUIRE(list);
  CHECK(list->uidvalidity == 1234);
  CHECK(list->uidnext == 7);
  REQUIRE(list->entries.size() == 2);
  CHECK(list->entries[0].name == "100.x");
}

TEST_CASE("dovecot-keywords is read and written", "[mailbox]") {
  auto names = parse_keywords("0 $Foo\n2 bar\nx y\n26 no\n3\n");
  REQUIRE(names.size() == 3);
  CHECK(names[0] == "$Foo");
  CHECK(names[1].empty());
  CHECK(names[2] == "bar");
  CHECK(format_keywords(names) == "0 $Foo\n2 bar\n");
  CHECK(is_keyword("$Junk", 50));
  CHECK_FALSE(is_keyword("a b", 50));
  CHECK_FALSE(is_keyword("toolong", 3));
}

TEST_CASE("subscriptions are read and written", "[mailbox]") {
  auto names =
      parse_subscriptions("V\t2\n\nauto\tbox\nt&AOQ-:st\nx\001ty\n", '.');
  CHECK(names == std::set<std::string>{"auto.box", "t&AOQ-:st", "x\ty"});
  CHECK(format_subscriptions(names, '.') ==
        "V\t2\n\nauto\tbox\nt&AOQ-:st\nx\001ty\n");
  CHECK(parse_subscriptions("a.b\nc\n", '.') ==
        std::set<std::string>{"a.b", "c"});
  CHECK(parse_subscriptions("", '.').empty());
}

TEST_CASE("modified UTF-7 goes both ways", "[mailbox]") {
  auto both = [](std::string_view utf8, std::string_view mutf7) {
    CHECK(to_mutf7(utf8) == mutf7);
    CHECK(from_mutf7(mutf7) == utf8);
  };
  both("INBOX", "INBOX");
  both("t\xc3\xa4st", "t&AOQ-st");
  both("a&b", "a&-b");
  both(
      "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/"
      "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
      "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
  both("\xf0\x9f\x98\x80", "&2D3eAA-");
  for (const char* bad : {"&", "&A", "t\xc3\xa4st", "&AOQ", "&AOQ-&AOQ-",
                          "&AGE-", "&2D0-", "&3gA-", "&AO-", "&A*A-"}) {
    CHECK_FALSE(from_mutf7(bad));
  }
}

TEST_CASE("list patterns match", "[mailbox]") {
  CHECK(matches_pattern("a.b.c", "*", '.'));
  CHECK(matches_pattern("a.b.c", "a.*c", '.'));
  CHECK_FALSE(matches_pattern("a.b.c", "%", '.'));
  CHECK(matches_pattern("a.b", "%.%", '.'));
  CHECK_FALSE(matches_pattern("a.b.c", "%.%", '.'));
  CHECK(matches_pattern("INBOX", "inbox", '.'));
  CHECK(matches_pattern("INBOX.x", "inBox.%", '.'));
  CHECK_FALSE(matches_pattern("Sent", "sent", '.'));
  CHECK_FALSE(matches_pattern("INBOXER", "inboxer", '.'));
  CHECK_FALSE(matches_pattern("", "a", '.'));
  CHECK(matches_pattern("", "", '.'));
  CHECK(matches_pattern(std::string(3000, 'a'), std::string(500, '*') + "a",
                        '.'));
}

}  // namespace mail::mailbox
