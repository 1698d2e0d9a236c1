#include "common/ipc/dovecot_auth.h"

#include <catch2/catch.hpp>

using namespace mail;
using namespace std::string_literals;

TEST_CASE("tab escapes are undone by unescaping, whatever the bytes", "[ipc]") {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  std::string escaped = ipc::tab_escape(all);
  CHECK(escaped.find('\t') == std::string::npos);
  CHECK(escaped.find('\n') == std::string::npos);
  CHECK(ipc::tab_unescape(escaped) == all);
  CHECK(ipc::tab_escape("a\tb\n\0"s) == "a\001tb\001n\0010");
  CHECK(ipc::tab_unescape("a\001") == "a");
}

TEST_CASE("fields keep their order, and bare is not empty", "[ipc]") {
  auto pieces = ipc::tab_split("OK\t1\tuser=al\001tice\tnologin\tx=\ta=b=c");
  auto fields = ipc::tab_fields(pieces, 2);
  CHECK(fields.get("user") == "al\tice");
  REQUIRE(fields.find("nologin"));
  CHECK_FALSE(fields.find("nologin")->value);
  CHECK(fields.find("x")->value == "");
  CHECK(fields.get("a") == "b=c");
  CHECK(fields.encode() == "\tuser=al\001tice\tnologin\tx=\ta=b=c");
  fields.set("user", "bob");
  fields.remove("x");
  CHECK(fields.encode() == "\tuser=bob\tnologin\ta=b=c");
}

TEST_CASE("an AUTH line is read back as it was written", "[ipc]") {
  ipc::AuthStart start;
  start.id = 7;
  start.mechanism = "PLAIN";
  start.info.service = "imap";
  start.info.secured = start.info.tls = true;
  start.info.session = "U9APhgZh/OR/AAAB";
  start.info.local_ip = start.info.remote_ip = "127.0.0.1";
  start.info.local_port = 143;
  start.info.remote_port = 58620;
  start.info.no_penalty = true;
  start.initial = "";
  std::string line = start.encode();
  CHECK(line ==
        "AUTH\t7\tPLAIN\tservice=imap\tsecured=tls\tno-penalty\t"
        "session=U9APhgZh/OR/AAAB\tlip=127.0.0.1\trip=127.0.0.1\tlport=143\t"
        "rport=58620\tresp==\n");
  line.pop_back();
  auto back = ipc::AuthStart::parse(ipc::tab_split(line), 2);
  REQUIRE(back);
  CHECK(back->info == start.info);
  CHECK(back->initial == "");
}

TEST_CASE("what Postfix and Exim send is understood", "[ipc]") {
  auto parse = [](std::string_view line, unsigned minor) {
    return ipc::AuthStart::parse(ipc::tab_split(line), minor);
  };
  auto postfix = parse(
      "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1\trip=192.0.2.2\t"
      "secured\tresp=AGEAYg==",
      0);
  REQUIRE(postfix);
  CHECK(postfix->info.secured);
  CHECK_FALSE(postfix->info.tls);
  CHECK(postfix->initial == "AGEAYg==");
  auto exim = parse("AUTH\t1\tPLAIN\tservice=smtp\tresp=", 0);
  REQUIRE(exim);
  CHECK_FALSE(exim->initial);
  CHECK(parse("AUTH\t1\tPLAIN\tservice=smtp\tresp=", 2)->initial == "");
  CHECK_FALSE(parse("AUTH\t0\tPLAIN\tservice=smtp", 2));
  CHECK_FALSE(parse("AUTH\t1\tPLAIN", 2));
  CHECK_FALSE(parse("AUTH\t1\tPLAIN\tservice=a\tresp=x\tlip=1.2.3.4", 2));
}

TEST_CASE("answers of a server are read", "[ipc]") {
  auto ok = ipc::AuthAnswer::parse("OK\t1\tuser=dave\tnologin\treason=none");
  REQUIRE(ok);
  CHECK(ok->kind == ipc::AuthAnswer::Kind::Ok);
  CHECK(ok->fields.has("nologin"));
  auto more = ipc::AuthAnswer::parse("CONT\t4\t");
  REQUIRE(more);
  CHECK(more->challenge.empty());
  CHECK_FALSE(ipc::AuthAnswer::parse("WHAT\t4"));
  CHECK_FALSE(ipc::AuthAnswer::parse("OK"));

  auto user = ipc::UserAnswer::parse("USER\t3\talice\tuid=1000\thome=/home/a");
  REQUIRE(user);
  CHECK(user->kind == ipc::UserAnswer::Kind::Found);
  CHECK(user->user == "alice");
  CHECK(user->fields.get("home") == "/home/a");
  CHECK(ipc::UserAnswer::parse("NOTFOUND\t3")->kind ==
        ipc::UserAnswer::Kind::NotFound);
  CHECK(ipc::UserAnswer::parse("PASS\t3\tuser=bob")->user == "bob");
  CHECK(ipc::UserAnswer::parse("FAIL\t3\treason=x")->fields.get("reason") ==
        "x");
}

TEST_CASE("mechanisms are announced with their flags", "[ipc]") {
  std::string line = "MECH\tCRAM-MD5\tdictionary\tactive";
  auto mechanism = ipc::AuthMechanism::parse(line);
  REQUIRE(mechanism);
  CHECK(mechanism->dictionary);
  CHECK(mechanism->active);
  CHECK_FALSE(mechanism->plaintext);
  CHECK(mechanism->encode() == line);
}
