#include "common/mailbox/location.h"

#include <catch2/catch.hpp>

#include "tests/unit/common/mailbox/temporary.h"

namespace mail::mailbox {

namespace {
const Owner kOwner{"user", "/home/user", "", ""};
std::string error_of(std::string_view text) {
  auto location = parse_location(text, kOwner);
  return location ? "" : location.error().what;
}
}  // namespace

TEST_CASE("mail_location is parsed", "[mailbox]") {
  auto location = parse_location(
      "maildir:~/Maildir/:INBOX=~/in:INDEX=/idx:CONTROL=/ctl:LAYOUT=fs:UTF-8",
      kOwner);
  REQUIRE(location);
  CHECK(location->driver == Driver::Maildir);
  CHECK(location->root == "/home/user/Maildir");
  CHECK(location->inbox == "/home/user/in");
  CHECK(location->index == "/idx");
  CHECK(location->control == "/ctl");
  CHECK(location->layout == LayoutKind::Fs);
  CHECK(location->utf8_names);

  location = parse_location("mbox:~/mail:INBOX=/var/mail/user", kOwner);
  REQUIRE(location);
  CHECK(location->driver == Driver::Mbox);
  CHECK(location->index == "/home/user/mail/.imap");
  CHECK(location->subscriptions == ".subscriptions");
  CHECK(location->separator() == '/');

  location = parse_location("maildir:Mail::x:INDEX=MEMORY", kOwner);
  REQUIRE(location);
  CHECK(location->root == "/home/user/Mail:x");
  CHECK(location->index_in_memory);
  CHECK(location->inbox == location->root);
}

TEST_CASE("mail_location's mistakes have the original's words", "[mailbox]") {
  CHECK(error_of("maildir:~/M:FOO=1") == "Unknown setting: FOO");
  CHECK(error_of("foo:~/M") == "Unknown mail storage driver foo");
  CHECK(error_of("~/M") ==
        "Ambiguous mail location setting, don't know what to do with it: ~/M "
        "(try prefixing it with mbox: or maildir:)");
  CHECK(error_of("maildir:") == "Root mail directory not given");
  CHECK(error_of("maildir:/etc/passwd") ==
        "Root mail directory is a file: /etc/passwd");
  CHECK(error_of("mdbox:~/mdbox")
            .starts_with("Mail storage driver mdbox is not supported"));
}

TEST_CASE("mail_location that is cut anywhere does no harm", "[mailbox]") {
  std::string_view whole =
      "mbox:~/mail:INBOX=/var/mail/u:INDEX=MEMORY:LAYOUT=fs:BROKENCHAR=_";
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    auto location = parse_location(whole.substr(0, cut), kOwner);
    if (!location) CHECK(location.error().fault == Fault::Config);
  }
}

TEST_CASE("an empty mail_location is detected, or says what would help",
          "[mailbox]") {
  Home home;
  Owner owner{"nobody-such", home.path, "", ""};
  auto location = parse_location("", owner);
  REQUIRE_FALSE(location);
  CHECK(location.error().what.starts_with(
      "Mail storage autodetection failed with home=" + home.path));
  CHECK(location.error().what.find("mail_location=maildir:~/Maildir") !=
        std::string::npos);
  std::filesystem::create_directories(home.path + "/mail");
  CHECK_FALSE(parse_location("", owner));
  std::filesystem::create_directories(home.path + "/mail/.imap");
  location = parse_location("", owner);
  REQUIRE(location);
  CHECK(location->driver == Driver::Mbox);
  std::filesystem::create_directories(home.path + "/Maildir/cur");
  location = parse_location("", owner);
  REQUIRE(location);
  CHECK(location->driver == Driver::Maildir);
  std::filesystem::create_directories(home.path + "/sdbox/mailboxes");
  CHECK_FALSE(parse_location("", owner));
}

}  // namespace mail::mailbox
