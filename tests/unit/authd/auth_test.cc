#include "authd/auth.h"

#include <sqlite3.h>

#include <catch2/catch.hpp>

#include "tests/unit/authd/support.h"

using namespace mail;
using namespace mail::authd;
using namespace std::chrono_literals;

namespace {

// The lines and the answers are those of a run of Debian's auth.
constexpr std::string_view kUsers =
    "carol:{PLAIN}pw:5000:5000::/home/carol::userdb_quota_rule=*:storage=1G\n"
    "dave:{PLAIN}pw2:5000:5000::/home/dave::nologin=yes reason=none\n"
    "u1:{PLAIN}pw:5000:5000::/home/u1::allow_nets=10.0.0.0/8,local foo=bar\n"
    "u2:{PLAIN}pw:5000:5000::/home/u2::user=carol foo=bar\n"
    "u3:{PLAIN}pw:5000:5000::/home/u3::username=zed domain=ex.com nodelay=y\n"
    "u5:{PLAIN}pw:5000:5000::/home/u5::fail=yes reason=noway code=foo\n"
    "u6:{PLAIN}pw:5000:5000::/home/u6::nopassword=y foo bar=\n"
    "u7::5000:5000::/home/u7::nopassword=y\n"
    "u8::5000:5000::/home/u8::\n"
    "u9:{FOO}x:5000:5000::/home/u9::\n"
    "u11:{PLAIN}pw:0:0::/home/u11::\n"
    "u14:{PLAIN}pw:5000:8::/home/u14::userdb_mail=maildir:~/M userdb_foo "
    "userdb_bar= userdb_system_groups_user=x k5principals=a\n"
    "u17:{PLAIN}pw\n"
    "u18:{PLAIN}pw:::::\n"
    "u20:{PLAIN}pw:5000:5000::/home/u20::foo=%u-%r user=%u@dd\n"
    "u22:{PLAIN}pw:5000:5000::/home/u22::userdb_uid=77 userdb_home=/x foo=a "
    "foo=b foo:remove=y\n"
    "u23:{PLAIN}pw:5000:5000::/home/u23::login_user=carol\n"
    "u24:{PLAIN}pw:5000:5000::/home/u24::noauthenticate=y\n"
    "erin:{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=:5000:5000::/h\n";

/// What the client would read after "OK\t1".
std::string shown(const Request& request) {
  return request.names(request.extra.encode({"nologin", "proxy"}));
}

}  // namespace

TEST_CASE("passwd-file users log in with their fields", "[authd]") {
  Fixture f(kUsers);
  f.make();
  auto ok = [&](std::string_view user, std::string_view password) {
    Request one = f.request(user);
    PassResult result = f.login(one, password);
    return result == PassResult::Ok ? shown(one)
                                    : "no: " + std::string(word(result));
  };
  CHECK(ok("carol", "pw") == "\tuser=carol\t");
  CHECK(ok("Carol", "pw") == "\tuser=carol\t\toriginal_user=Carol");
  CHECK(ok("carol", "no") == "no: password_mismatch");
  CHECK(ok("nobody", "no") == "no: user_unknown");
  CHECK(ok("dave", "pw2") == "\tuser=dave\tnologin\treason=none");
  CHECK(ok("u1", "pw") == "no: password_mismatch");
  CHECK(ok("u2", "pw") == "\tuser=carol\tfoo=bar\toriginal_user=u2");
  CHECK(ok("u3", "pw") == "\tuser=zed@ex.com\tnodelay=y\toriginal_user=u3");
  CHECK(ok("u5", "pw") == "no: password_mismatch");
  CHECK(ok("u6", "pw") == "\tuser=u6\tfoo\tbar");
  CHECK(ok("u7", "anything") == "\tuser=u7");
  CHECK(ok("u8", "pw") == "no: password_mismatch");
  CHECK(ok("u9", "pw") == "no: scheme_unavailable");
  CHECK(ok("u11", "pw") == "no: user_unknown");
  CHECK(ok("u14", "pw") == "\tuser=u14\tk5principals=a");
  CHECK(ok("u17", "pw") == "\tuser=u17");
  CHECK(ok("u20", "pw") ==
        "\tuser=u20@dd\tfoo=u20-127.0.0.1\toriginal_user=u20");
  CHECK(ok("u22", "pw") == "\tuser=u22\t");
  CHECK(ok("u23", "pw") == "\tuser=carol\t\toriginal_user=u23\tauth_user=u23");
  CHECK(ok("u24", "pw") == "no: internal");
  CHECK(ok("erin", "secret") == "\tuser=erin");
}

TEST_CASE("names that cannot be are refused as the original does", "[authd]") {
  Fixture f(kUsers);
  f.make();
  Request bad;
  bad.settings = f.settings;
  auto named = bad.set_user("a%b@X");
  REQUIRE_FALSE(named);
  CHECK(named.error().what ==
        "Username character disallowed by auth_username_chars: 0x25 "
        "(username: a%b@X)");
  CHECK(bad.names("") == "\tuser=a%b@X\toriginal_user=a%b@X");
  CHECK(bad.line("plain", "x") == "plain(?): x");
  Request empty;
  empty.settings = f.settings;
  CHECK_FALSE(empty.set_user(""));
  CHECK(empty.names("") == "\tuser=\toriginal_user=");
  f.settings->username_translation = "#@";
  CHECK(f.request("Joe#Other.Org").user == "joe@other.org");
  f.settings->default_realm = "example.com";
  CHECK(f.request("joe").user == "joe@example.com");
}

TEST_CASE("user databases answer with their fields", "[authd]") {
  Fixture f(kUsers);
  f.make();
  auto look_up = [&](std::string_view user) {
    Request one = f.request(user);
    auto result = f.loop.run(f.auth->look_up_user(one, false));
    return std::string(word(result)) + one.userdb.encode();
  };
  CHECK(look_up("carol") ==
        "ok\tuid=5000\tgid=5000\thome=/home/carol\tquota_rule=*:storage=1G");
  CHECK(look_up("u14") ==
        "ok\tuid=5000\tgid=8\thome=/home/u14\tmail=maildir:~/M\tfoo\tbar\t"
        "system_groups_user=x");
  CHECK(look_up("u17") == "user_unknown");
  CHECK(look_up("u18") == "ok");
  CHECK(look_up("u22") == "ok\tuid=77\tgid=5000\thome=/x");
  CHECK(look_up("nobody") == "user_unknown");
  Request all = f.request("x");
  auto listed = f.loop.run(f.auth->list(all));
  CHECK(listed.complete);
  CHECK(listed.users.size() == 19);
}

TEST_CASE("mechanisms get credentials only from what suits them", "[authd]") {
  Fixture f(kUsers);
  f.make();
  Request carol = f.request("carol");
  auto found = f.loop.run(f.auth->credentials(carol, "CRAM-MD5"));
  CHECK(found.result == PassResult::Ok);
  CHECK(found.raw.size() == 32);
  Request erin = f.request("erin");
  CHECK(f.loop.run(f.auth->credentials(erin, "CRAM-MD5")).result ==
        PassResult::NoScheme);
}

TEST_CASE("result rules move the chain on", "[authd]") {
  Fixture f(kUsers);
  auto& passdbs = f.settings->passdbs;
  passdbs.push_back(Fixture::database("static", "password=common foo=2"));
  f.make();
  CHECK(f.login("carol", "pw") == PassResult::Ok);
  CHECK(f.login("carol", "common") == PassResult::Ok);  // the second's
  CHECK(f.login("carol", "no") == PassResult::Mismatch);

  passdbs[0].result_failure = "return-fail";
  f.make();
  CHECK(f.login("carol", "common") == PassResult::Mismatch);

  // What a later database adds comes without its password.
  passdbs[0].result_failure = "continue";
  passdbs[0].result_success = "continue-ok";
  f.make();
  Request both = f.request("carol");
  CHECK(f.login(both, "pw") == PassResult::Ok);
  CHECK(both.extra.get("foo") == "2");

  passdbs[1].skip = "authenticated";
  f.make();
  Request first = f.request("carol");
  CHECK(f.login(first, "pw") == PassResult::Ok);
  CHECK_FALSE(first.extra.has("foo"));

  passdbs[1].mechanisms = "digest-md5";
  f.make();
  CHECK(f.login("carol", "common") == PassResult::Mismatch);
  passdbs[1].mechanisms = "";
  passdbs[1].username_filter = "!carol";
  f.make();
  CHECK(f.login("carol", "common") == PassResult::Mismatch);
  CHECK(f.login("other", "common") == PassResult::Ok);
}

TEST_CASE("a deny database shuts out whom it knows", "[authd]") {
  Fixture f(kUsers);
  auto& passdbs = f.settings->passdbs;
  passdbs.insert(passdbs.begin(), passdbs[0]);
  passdbs[0].deny = true;
  passdbs[1] = Fixture::database("static", "nopassword=y");
  f.make();
  CHECK(f.login("carol", "pw") == PassResult::UserDisabled);
  CHECK(f.login("somebody", "x") == PassResult::Ok);
}

TEST_CASE("a database that fails makes a failure temporary", "[authd]") {
  Fixture f(kUsers);
  auto& passdbs = f.settings->passdbs;
  passdbs.insert(passdbs.begin(),
                 Fixture::database("passwd-file", "/nonexistent/file"));
  f.make();
  CHECK(f.login("carol", "pw") == PassResult::Ok);
  CHECK(f.login("carol", "no") == PassResult::InternalFailure);
}

TEST_CASE("a master user becomes whom he wants", "[authd]") {
  Fixture f(kUsers);
  f.settings->master_separator = "*";
  auto without = f.request("carol");
  CHECK_FALSE(without.set_login_user("dave"));
  auto& passdbs = f.settings->passdbs;
  passdbs.push_back(Fixture::database("static", "password=boss"));
  passdbs[1].master = true;
  passdbs[1].pass = true;
  f.make();
  Request one = f.request("carol*root");
  CHECK(one.user == "root");
  CHECK(f.login(one, "boss") == PassResult::Ok);
  CHECK(one.user == "carol");
  CHECK(one.master_user == "root");
  CHECK(f.login("nobody*root", "boss") == PassResult::UnknownUser);
  CHECK(f.login("carol*root", "pw") == PassResult::Mismatch);
  // A master's password is not a user's.
  CHECK(f.login("carol", "boss") == PassResult::Mismatch);
}

TEST_CASE("the cache answers, notices new passwords, and is flushed",
          "[authd]") {
  Fixture f(kUsers);
  Cache cache(1 << 20, 1h, 1h);
  f.make(&cache);
  CHECK(f.login("carol", "pw") == PassResult::Ok);
  CHECK(cache.count() == 1);
  (void)replace_file(f.path, "carol:{PLAIN}new:1:1::/x::\n", 0600);
  CHECK(f.login("carol", "pw") == PassResult::Ok);   // still the old one
  CHECK(f.login("carol", "new") == PassResult::Ok);  // asked again
  CHECK(f.login("carol", "pw") == PassResult::Mismatch);
  CHECK(f.login("carol", "new") == PassResult::Ok);
  CHECK(cache.flush({"nobody"}) == 0);
  CHECK(cache.flush({"carol"}) == 1);
  CHECK(f.login("ghost", "x") == PassResult::UnknownUser);
  CHECK(cache.flush({}) == 1);
  auto lines = cache.take_statistics();
  CHECK(lines.size() == 3);
  CHECK(lines[0].starts_with("Authentication cache hits "));
}

TEST_CASE("static users exist if a password database knows them", "[authd]") {
  Fixture f(kUsers);
  f.settings->userdbs = {
      Fixture::database("static", "uid=7 gid=8 home=/var/mail/%d/%n")};
  f.make();
  Request known = f.request("carol");
  CHECK(f.loop.run(f.auth->look_up_user(known, false)) == UserResult::Ok);
  CHECK(known.userdb.encode() == "\tuid=7\tgid=8\thome=/var/mail//carol");
  Request unknown = f.request("nobody");
  CHECK(f.loop.run(f.auth->look_up_user(unknown, false)) ==
        UserResult::UnknownUser);
  f.settings->userdbs[0].args += " allow_all_users=yes";
  f.make();
  Request anybody = f.request("nobody");
  CHECK(f.loop.run(f.auth->look_up_user(anybody, false)) == UserResult::Ok);
  f.settings->userdbs[0] = Fixture::database("prefetch", "");
  f.make();
  Request login = f.request("u22");
  CHECK(f.login(login, "pw") == PassResult::Ok);
  CHECK(f.loop.run(f.auth->look_up_user(login, true)) == UserResult::Ok);
  CHECK(login.userdb.encode() == "\tuid=77\thome=/x");
}

TEST_CASE("SQLite answers password, user and list queries", "[authd]") {
  Fixture f("");
  std::string database = f.path + ".db", config = f.path + ".sql";
  unlink(database.c_str());
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(database.c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db,
                       "CREATE TABLE u(n, d, pw, home, uid);"
                       "INSERT INTO u VALUES('joe','ex.com','{PLAIN}pw','/j',"
                       "5);"
                       "INSERT INTO u VALUES('o''k','ex.com','{PLAIN}q',NULL,"
                       "6);"
                       "INSERT INTO u VALUES('twin','ex.com','1','/t',5);"
                       "INSERT INTO u VALUES('twin','ex.com','2','/t',5);",
                       nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
  (void)replace_file(
      config,
      "# comment\ndriver = sqlite\nconnect = " + database +
          "\npassword_query = SELECT pw AS password, home AS userdb_home \\\n"
          "  FROM u WHERE n='%n' AND d='%d'\n"
          "user_query = SELECT uid, 5 AS gid, home FROM u WHERE n='%n'\n"
          "iterate_query = SELECT n AS username, d AS domain FROM u\n",
      0600);
  f.settings->username_chars = "";
  f.settings->passdbs = {Fixture::database("sql", config)};
  f.settings->userdbs = {Fixture::database("sql", config)};
  f.make();
  Request joe = f.request("joe@ex.com");
  CHECK(f.login(joe, "pw") == PassResult::Ok);
  CHECK(joe.userdb.get("home") == "/j");
  CHECK(f.login("joe@ex.com", "no") == PassResult::Mismatch);
  CHECK(f.login("o'k@ex.com", "q") == PassResult::Ok);
  CHECK(f.login("x' OR '1'='1@ex.com", "pw") == PassResult::UnknownUser);
  CHECK(f.login("twin@ex.com", "1") == PassResult::InternalFailure);
  Request user = f.request("o'k@ex.com");
  CHECK(f.loop.run(f.auth->look_up_user(user, false)) == UserResult::Ok);
  CHECK(user.userdb.encode() == "\tuid=6\tgid=5");
  Request all = f.request("x");
  CHECK(f.loop.run(f.auth->list(all)).users.size() == 4);
  unlink(database.c_str());
  CHECK(f.login("joe@ex.com", "pw") == PassResult::InternalFailure);
  unlink(config.c_str());
}

TEST_CASE("what is not built is refused by name", "[authd]") {
  auto why = [](std::string driver) {
    return make_passdb(Fixture::database(std::move(driver), ""), 0)
        .error()
        .what;
  };
  CHECK(why("ldap") == "Support not compiled in for passdb driver 'ldap'");
  CHECK(why("nonsense") == "Unknown passdb driver 'nonsense'");
  CHECK(matches_filter("*@a.org !b@a.org", "c@a.org"));
  CHECK_FALSE(matches_filter("*@a.org !b@a.org", "b@a.org"));
  CHECK(matches_filter("!b", "c"));
}
