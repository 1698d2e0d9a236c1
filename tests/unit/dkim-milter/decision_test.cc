// Every message of a domain of ours that leaves without a signature says why.
#include "dkim-milter/decision.h"

#include <catch2/catch.hpp>

#include "tests/unit/dkim-milter/fixture.h"

namespace mail::dkim_milter {

namespace {

struct Message {
  std::string from = "alice@example.com";
  std::string address = "127.0.0.1";
  std::map<std::string, std::string> macros;
};

/// What the log is told of a message; the last line, as that is the reason.
std::string said(const std::string& conf, const Message& message = {}) {
  auto loaded = load(conf);
  REQUIRE(loaded);
  dkim::HeaderBlock headers;
  if (!message.from.empty()) headers.add("From", " " + message.from);
  FakeMta mta;
  mta.macros.insert(message.macros.begin(), message.macros.end());
  Client client{"client.test", net::IpAddress::parse(message.address)};
  Origin origin = place_client(*loaded->settings, client);
  std::vector<std::string> recipients{"bob@example.org"};
  std::vector<Line> lines;
  Decision out =
      decide(*loaded->settings, {headers, recipients, mta, origin}, lines);
  if (out.kind == Decision::Kind::Sign) return "signed";
  return lines.empty() ? "" : lines.back().text;
}

/// A site with one key, and one with tables.
class Site {
 public:
  Site() : key_(scratch_.write("key", rsa_pem())) {}

  std::string one(const std::string& more = "") {
    return "Domain example.com\nSelector sel\nKeyFile " + key_ + "\n" + more;
  }
  /// `keys`: lines of a KeyTable, KEY standing for the key's path.
  std::string tables(std::string keys, const std::string& signing) {
    size_t at = keys.find("KEY");
    if (at != std::string::npos) keys.replace(at, 3, key_);
    return "KeyTable file:" + scratch_.write("keys", keys) +
           "\nSigningTable refile:" + scratch_.write("signing", signing) + "\n";
  }
  std::string path(const std::string& name) const {
    return scratch_.path() + "/" + name;
  }

 private:
  Scratch scratch_;
  std::string key_;
};

}  // namespace

TEST_CASE("a client that is not inside is named with the list", "[opendkim]") {
  Site site;
  CHECK(said(site.one()) == "signed");
  CHECK(said(site.one(), {.address = "192.0.2.7"}) ==
        "not signed: client.test [192.0.2.7] is not in InternalHosts "
        "(127.0.0.1,::1), and has not authenticated");
  std::string holed = "InternalHosts 192.0.2.0/24,!192.0.2.7\n";
  CHECK(said(site.one(holed), {.address = "192.0.2.8"}) == "signed");
  CHECK(said(site.one(holed), {.address = "192.0.2.7"}) ==
        "not signed: client.test [192.0.2.7] is not in InternalHosts "
        "(192.0.2.0/24,!192.0.2.7), and has not authenticated");
  CHECK(said(site.one(), {.address = "192.0.2.7",
                          .macros = {{"{auth_type}", "PLAIN"}}}) == "signed");
}

TEST_CASE("so is a daemon that MTA or MacroList leaves out", "[opendkim]") {
  Site site;
  Message outside{.address = "192.0.2.7",
                  .macros = {{"{daemon_name}", "smtp"}, {"{kind}", "in"}}};
  CHECK(said(site.one("MTA smtp\n"), outside) == "signed");
  CHECK(said(site.one("MTA submission\n"), outside) ==
        "not signed: daemon 'smtp' is not in MTA (submission), client.test "
        "[192.0.2.7] is not in InternalHosts (127.0.0.1,::1), and has not "
        "authenticated");
  CHECK(said(site.one("MacroList kind=in\n"), outside) == "signed");
  CHECK(said(site.one("MacroList kind=out\n"), outside) ==
        "not signed: no macro is as MacroList says, client.test [192.0.2.7] "
        "is not in InternalHosts (127.0.0.1,::1), and has not authenticated");
}

TEST_CASE("settings that forbid a signature are named", "[opendkim]") {
  Site site;
  CHECK(said(site.one("Mode v\n")) == "not signed: Mode lacks s");
  CHECK(said(site.one("ExemptDomains example.com\n")) ==
        "not signed: ExemptDomains (example.com) lists 'example.com'");
  CHECK(said(site.one("DontSignMailTo bob@example.org\n")) ==
        "skipping signing of mail to 'bob@example.org'");
  CHECK(said(site.one(), {.from = "a@sub.example.com"}) ==
        "not signed: Domain (example.com) does not list 'sub.example.com', "
        "and SubDomains is no");
  CHECK(said(site.one("SubDomains yes\n"), {.from = "a@sub.example.com"}) ==
        "signed");
}

TEST_CASE("a sender that cannot be read is said to be so", "[opendkim]") {
  Site site;
  CHECK(said(site.one(), {.from = ""}) ==
        "can't determine message sender; accepting");
  CHECK(said(site.one(), {.from = "undisclosed"}) ==
        "can't parse From: header value ' undisclosed'");
}

TEST_CASE("tables that give no key are named with the entry", "[opendkim]") {
  Site site;
  std::string key = "k example.com:sel:KEY\n";
  CHECK(said(site.tables(key, "*@example.com k\n")) == "signed");
  CHECK(said(site.tables(key, "bob@example.com k\n")) ==
        "not signed: no signing table match for 'alice@example.com' in "
        "refile:" +
            site.path("signing"));
  std::string lost = site.tables(key, "*@example.com other\n");
  CHECK(said(lost) ==
        "not signed: signing table references unknown key "
        "'other'");
  std::string corrupt = key + "broken example.com\n";
  CHECK(said(site.tables(corrupt, "*@example.com broken\n")) ==
        "not signed: KeyTable entry for 'broken' corrupt");
  std::string absent = key + "gone example.com:sel:/nonexistent/key\n";
  CHECK(said(site.tables(absent, "*@example.com gone\n")) ==
        "not signed: error loading key 'gone': /nonexistent/key: No such "
        "file or directory");
}

TEST_CASE("mail of others goes by without a word", "[opendkim]") {
  Site site;
  CHECK(said(site.one(), {.from = "carol@example.net"}).empty());
  CHECK(
      said(site.one("ExternalIgnoreList 192.0.2.7\n"), {.address = "192.0.2.7"})
          .empty());
}

}  // namespace mail::dkim_milter
