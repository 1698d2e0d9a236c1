#include "common/login/mail_user.h"

#include <unistd.h>

#include <catch2/catch.hpp>

namespace mail::login {
namespace {

MailUser bob(config::dovecot::FlatSettings settings = {}) {
  MailUser user;
  user.name = "bob@example.com";
  user.fields.set("uid", "5000");
  user.fields.set("gid", "5001");
  user.fields.set("home", "/srv/bob");
  user.service = "imap";
  user.session = "755/H/1gHr9/AAAB";
  user.local_ip = "192.0.2.1";
  user.remote_ip = "192.0.2.9";
  user.hostname = "vm";
  auto made = config::dovecot::Settings::make(settings);
  REQUIRE(made);
  user.settings = *made;
  return user;
}

TEST_CASE("A mail user's variables are expanded") {
  auto user = bob();
  std::string problem;
  CHECK(
      user.expand("%u %n %d %s %h %l %r %i %{session} %{hostname}", &problem) ==
      "bob@example.com bob example.com imap /srv/bob 192.0.2.1 192.0.2.9 "
      "5000 755/H/1gHr9/AAAB vm");
  CHECK(problem.empty());
  user.fields.set("x", "y");
  CHECK(user.expand("%{userdb:x}", &problem) == "y");
  user.expand("%Q", &problem);
  CHECK_FALSE(problem.empty());
  CHECK(user.log_prefix() == "imap(bob@example.com)<" +
                                 std::to_string(getpid()) +
                                 "><755/H/1gHr9/AAAB>: ");
}

TEST_CASE("A user's process has the ids that the database says") {
  auto user =
      bob({{"mail_access_groups", "7 9"}, {"mail_privileged_group", "8"}});
  auto who = identity_of(user, {110});
  REQUIRE(who);
  CHECK(who->uid == 5000);
  CHECK(who->gid == 5001);
  CHECK(who->saved_gid == 8);
  CHECK(who->groups == std::vector<gid_t>{7, 9, 110, 5001});
  CHECK(who->chroot.empty());
  user.fields.set("home", "/jail/./bob");
  who = identity_of(user, {});
  REQUIRE(who);
  CHECK(who->chroot == "/jail");
  CHECK(*user.home() == "/bob");
}

std::string why_not(const MailUser& user) {
  auto who = identity_of(user, {});
  return who ? "it may" : who.error().what;
}

TEST_CASE("Ids that may not read mail are refused in Dovecot's words") {
  auto user = bob();
  user.fields.set("uid", "100");
  CHECK(why_not(user) ==
        "Mail access for users with UID 100 not permitted (see first_valid_uid "
        "in config file, uid from userdb lookup).");
  user.fields.set("uid", "0");
  CHECK(why_not(user).starts_with("Mail access for users with UID 0 not"));
  user.fields.remove("uid");
  CHECK(why_not(user) ==
        "Couldn't drop privileges: User is missing UID (see mail_uid "
        "setting)");
  auto limited = bob({{"last_valid_uid", "4000"}});
  CHECK(why_not(limited).find("see last_valid_uid in") != std::string::npos);
  auto set = bob({{"mail_uid", "6000"}, {"mail_gid", "6001"}});
  set.fields.remove("uid");
  set.fields.remove("gid");
  auto who = identity_of(set, {});
  REQUIRE(who);
  CHECK(who->uid == 6000);
  CHECK(who->gid == 6001);
}

TEST_CASE("Where mail is comes from the database or the settings") {
  auto user = bob({{"mail_location", "maildir:~/%n/Maildir"},
                   {"mail_max_keyword_length", "30"},
                   {"mbox_write_locks", "dotlock fcntl"},
                   {"namespace", "inbox"},
                   {"namespace/inbox/inbox", "yes"},
                   {"namespace/inbox/separator", "/"},
                   {"namespace/inbox/mailbox", "Sent"},
                   {"namespace/inbox/mailbox/Sent/special_use", "\\Sent"},
                   {"namespace/inbox/mailbox/Sent/auto", "subscribe"}});
  auto storage = storage_settings(user);
  REQUIRE(storage);
  CHECK(storage->owner.home == "/srv/bob");
  CHECK(storage->mail_location == "maildir:~/bob/Maildir");
  CHECK(storage->options.mail_max_keyword_length == 30);
  CHECK(storage->options.mbox_write_locks == "dotlock fcntl");
  REQUIRE(storage->namespaces.size() == 1);
  const auto& space = storage->namespaces[0];
  CHECK(space.inbox);
  CHECK(space.separator == "/");
  REQUIRE(space.mailboxes.size() == 1);
  CHECK(space.mailboxes[0].name == "Sent");
  CHECK(space.mailboxes[0].special_use == "\\Sent");
  CHECK(space.mailboxes[0].automatic ==
        mailbox::MailboxSettings::Auto::Subscribe);
  user.fields.set("mail", "mbox:~/mail:INBOX=/var/mail/%u");
  storage = storage_settings(user);
  REQUIRE(storage);
  CHECK(storage->mail_location ==
        "mbox:~/mail:INBOX=/var/mail/bob@example.com");
  user.fields.set("home", "rel");
  auto relative = storage_settings(user);
  REQUIRE_FALSE(relative);
  CHECK(relative.error().what ==
        "Relative home directory paths not supported: rel");
}

}  // namespace
}  // namespace mail::login
