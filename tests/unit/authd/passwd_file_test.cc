#include "authd/passwd_file.h"

#include <catch2/catch.hpp>

#include "authd/anvil/logins.h"
#include "authd/fields.h"
#include "tests/unit/authd/support.h"

using namespace mail;
using namespace mail::authd;

TEST_CASE("lines of a passwd-file", "[authd]") {
  auto parsed = parse_passwd_file(
      "# comment\n\na:{PLAIN}x:1:2:gecos:/home/a:/bin/sh:userdb_x=a:b c=d\n"
      "b\nc:hash[13]\nd:hash[34]:1:2:::\ne:x:1:2::/h::flags:mbox:/m\n"
      "f:x:1:2::/h:::maildir:/m\n");
  REQUIRE(parsed.entries.size() == 6);
  auto& [name, a] = parsed.entries[0];
  CHECK(name == "a");
  CHECK(a.home == "/home/a");
  CHECK(a.extra == std::vector<std::string>{"userdb_x=a:b", "c=d"});
  CHECK_FALSE(parsed.entries[1].second.has_userdb);
  CHECK(parsed.entries[2].second.password == "{CRYPT}hash");
  CHECK(parsed.entries[3].second.password == "{PLAIN-MD5}hash");
  CHECK(parsed.entries[5].second.extra ==
        std::vector<std::string>{"userdb_mail=maildir:/m"});
}

TEST_CASE("no name leads out of the directory of per-domain files", "[authd]") {
  Fixture f("");
  f.settings->username_chars = "";
  f.settings->username_format = "%u";
  PasswdFile file("/etc/users/%d/passwd");
  CHECK(file.path_for(f.request("a@b.org")) == "/etc/users/b.org/passwd");
  CHECK(file.path_for(f.request("a@../../tmp")) == "/etc/users//passwd");
  CHECK(file.path_for(f.request("a@x/../../tmp")) == "/etc/users/x/passwd");
  CHECK(file.path_for(f.request("a@..")) == "/etc/users//passwd");
}

TEST_CASE("networks of allow_nets", "[authd]") {
  CHECK(in_networks("10.0.0.0/8,2001:db8::/32", "10.1.2.3"));
  CHECK(in_networks("10.0.0.0/8,2001:db8::/32", "2001:db8::1"));
  CHECK_FALSE(in_networks("10.0.0.0/8", "11.0.0.1"));
  CHECK_FALSE(in_networks("local", "127.0.0.1"));
  CHECK(in_networks("local", ""));
  CHECK(in_networks("127.0.0.1", "127.0.0.1"));
  CHECK_FALSE(in_networks("10.0.0.0/99,nonsense", "10.0.0.1"));
}

TEST_CASE("anvil counts who is logged in", "[authd]") {
  anvil::Logins logins;
  logins.connect(127, "imap/127.0.0.1/carol");
  logins.connect(129, "imap/127.0.0.1/carol");
  logins.connect(77, "imap/1.2.3.4/x");
  CHECK(logins.count("imap/127.0.0.1/carol") == 2);
  CHECK(logins.dump() ==
        "imap/1.2.3.4/x\t77\t1\nimap/127.0.0.1/carol\t127\t1\n"
        "imap/127.0.0.1/carol\t129\t1\n\n");
  logins.disconnect(77, "imap/1.2.3.4/x");
  logins.disconnect(77, "imap/1.2.3.4/x");
  logins.kill(127);
  CHECK(logins.count("imap/127.0.0.1/carol") == 1);
  CHECK(logins.count("imap/1.2.3.4/x") == 0);
}

TEST_CASE("penalties rise with new guesses alone, and are forgotten",
          "[authd]") {
  anvil::Penalties penalties;
  CHECK(penalties.get("9.9.9.9").value == 0);
  penalties.raise("9.9.9.9", 123, 1, 1000);
  penalties.raise("9.9.9.9", 123, 2, 1001);
  CHECK(penalties.get("9.9.9.9").value == 1);
  CHECK(penalties.get("9.9.9.9").last == 1000);
  penalties.raise("9.9.9.9", 124, 2, 1002);
  CHECK(penalties.dump() == "9.9.9.9\t2\t1002\t1002\n\n");
  penalties.raise("9.9.9.9", 0, 0, 1003);
  CHECK(penalties.get("9.9.9.9").value == 0);
  penalties.set_expire_seconds(29);
  penalties.expire(1031);
  CHECK(penalties.size() == 1);
  penalties.expire(1033);
  CHECK(penalties.size() == 0);
  for (unsigned i = 0; i < 5000; ++i) {
    penalties.raise(std::to_string(i), 1, 1, 1);
  }
  CHECK(penalties.size() == anvil::Penalties::kMaxAddresses);
}
