#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "common/base/ascii.h"
#include "common/maps/data_set.h"
#include "dkim-milter/key_safety.h"
#include "tests/unit/dkim-milter/fixture.h"

namespace mail::dkim_milter {

namespace {

std::string problem(const std::string& text) {
  auto read = config::opendkim::Conf::read(
      "test.conf",
      [&](const std::string&) -> Result<std::string> { return text; });
  return read ? "" : read.error().what;
}

std::string refusal(const std::string& text) {
  auto loaded = load(text);
  return loaded ? "" : loaded.error().what;
}

}  // namespace

TEST_CASE("opendkim.conf is read as opendkim reads it", "[opendkim]") {
  auto conf = conf_of(
      "  SYSLOG\tyup # why\nUMask 007\nMode s\nMode v\r\n\n#Domain x\n"
      "oversignheaders  From, To \n");
  CHECK(conf.boolean("Syslog"));
  CHECK(conf.integer("UMask") == 7);
  CHECK(conf.string("Mode") == "v");
  CHECK(conf.string("OversignHeaders") == "From, To");
  CHECK_FALSE(conf.string("Domain"));
  CHECK(conf.integer("MaximumSignaturesToVerify") == 3);
}

TEST_CASE("what is wrong in opendkim.conf is named with its line",
          "[opendkim]") {
  CHECK(problem("\nMode=s\n") ==
        "test.conf: configuration error at line 2: unrecognized parameter");
  CHECK(problem("Mode\n") ==
        "test.conf: configuration error at line 1: required value missing");
  CHECK(problem("UMask 07x\n") ==
        "test.conf: configuration error at line 1: illegal value");
  CHECK(problem("Syslog maybe\n") ==
        "test.conf: configuration error at line 1: illegal value");
  CHECK(problem("Include test.conf\n") ==
        "test.conf: configuration error at line 0: nesting too deep");
}

TEST_CASE("settings that do nothing are named", "[opendkim]") {
  auto lines = conf_of("Mode v\nStatistics /x\nQuarantine no\n").unsupported();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0] ==
        "test.conf, line 2: Statistics is not supported: it does nothing");
}

TEST_CASE("settings are refused in opendkim's words", "[opendkim]") {
  CHECK(refusal("Mode q\n") == "test.conf: unknown mode \"q\"");
  CHECK(refusal("Canonicalization foo\n") ==
        "test.conf: unknown canonicalization algorithm \"foo\"");
  CHECK(refusal("Domain x\n") ==
        "test.conf: Domain requires KeyFile and Selector");
  CHECK(refusal("Selector x\n") ==
        "test.conf: KeyFile and Selector must both be defined or both be "
        "undefined");
  CHECK(refusal("SigningTable csl:a=b\n") ==
        "test.conf: use of SigningTable requires KeyTable");
  CHECK(refusal("InternalHosts ::1,127.0.0.1\n") ==
        "test.conf: ::1,127.0.0.1: dkimf_db_open(): Unknown database type");
  CHECK(refusal("PeerList dsn:mysql://x/y\n") ==
        "test.conf: dsn:mysql://x/y: dkimf_db_open(): data sets of type dsn "
        "are not supported");
  CHECK(refusal("PeerList file:/nonexistent/x\n") ==
        "test.conf: file:/nonexistent/x: dkimf_db_open(): No such file or "
        "directory");
  CHECK(refusal("TrustAnchorFile /nonexistent/x\n") ==
        "test.conf: /nonexistent/x: No such file or directory");
  CHECK(refusal("Canonicalization relaxed\nMode v\n") == "");
}

TEST_CASE("lists and files of a data set", "[opendkim]") {
  auto list = maps::parse_list(" a=b:c , d ,, e = f");
  REQUIRE(list.size() == 3);
  CHECK(list[0].value == "b:c");
  CHECK(list[1].key == "d");
  auto lines = maps::parse_lines("# x\nk1  d:s:/p # c\n\n*@x\ty\n");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].value == "d:s:/p");
  Scratch scratch;
  std::string path = scratch.write("re", "*@ex[a]mple.com one\n*@b.* two\n");
  auto set = *maps::DataSet::open("refile:" + path, maps::DataSet::Case::Fold);
  CHECK(*set.find("U@EXAMPLE.com") == "one");
  CHECK(*set.find("u@b.org") == "two");
  CHECK_FALSE(*set.find("u@bxorg"));
}

TEST_CASE("only a key that nobody else can read is safe", "[opendkim]") {
  Scratch scratch;
  if (!scratch.safe()) return;
  uid_t me = geteuid();
  std::string key = scratch.write("k", "x");
  CHECK(check_key_safety(key, me));
  CHECK(check_key_safety(scratch.write("w", "x", 0644), me).error().what ==
        scratch.path() +
            "/w can be read or written by other users (mode 0644; to mend: "
            "chmod o= " +
            scratch.path() + "/w)");
  REQUIRE(chmod(scratch.path().c_str(), 0777) == 0);
  auto open = check_key_safety(key, me);
  REQUIRE_FALSE(open);
  CHECK(open.error().what.starts_with(
      scratch.path() + " can be read or written by other users (mode 0777"));
  CHECK_FALSE(check_key_safety("/nonexistent/key", me));
}

TEST_CASE("KeyTable entries and what % stands for", "[opendkim]") {
  Scratch scratch;
  std::string key = scratch.write("example.com.pem", rsa_pem());
  std::string table = "KeyTable csl:k=%:s:" + scratch.path() +
                      "/%.pem,bad=x,gone=d:s:/nonexistent\n"
                      "SigningTable csl:example.com=k:%,a@b.test=gone,c=none\n";
  auto loaded = load(table);
  REQUIRE(loaded);
  std::string all = join(loaded->warnings, "\n");
  CHECK(all.find("KeyTable entry for 'bad' corrupt") != std::string::npos);
  CHECK(all.find("error loading key 'gone': /nonexistent: No such file") !=
        std::string::npos);
  CHECK(all.find("signing table references unknown key 'none'") !=
        std::string::npos);
}

}  // namespace mail::dkim_milter
