#include <catch2/catch.hpp>

#include "common/config/dovecot/settings.h"
#include "common/config/dovecot/statement.h"
#include "tests/unit/common/config/dovecot/fixture.h"

using namespace mail::config::dovecot;

namespace {

/// All messages, with a newline behind each.
std::string problems(const std::string& text) {
  FakeFiles files{{"/d.conf", text}, {"/sub/more.conf", "bar = 1\n"}};
  auto configuration = Configuration::load("/d.conf", files);
  std::string out;
  for (const auto& problem : configuration.problems()) {
    out += problem.message() + "\n";
  }
  return out;
}

}  // namespace

TEST_CASE("All errors of a file are found in one run", "[dovecot]") {
  CHECK(problems("foo = 1\n"
                 "mail_debug = maybe\n"
                 "ssl = perhaps\n"
                 "service imap {\n  procces_limit = 2\n}\n"
                 "mail_location\n"
                 "unheard {\n  of = 1\n  more {\n  }\n}\n"
                 "auth_cache_size = 12x\n"
                 "}\n"
                 "!include sub/*.conf\n"
                 "!include none\n"
                 "!include_try none\n"
                 "login_greeting = $nothing\n"
                 "plugin {\n  a {\n  }\n}\n"
                 "protocol imap {\n  local 1.2.3.4 {\n  }\n}\n"
                 "local 10.0.0.0/8 {\n  auth_mechanisms = plain\n}\n"
                 "namespace x {\n") ==
        "Error in configuration file /d.conf line 1: Unknown setting: foo\n"
        "Error in configuration file /d.conf line 2: "
        "Invalid boolean value: maybe (use yes or no)\n"
        "Error in configuration file /d.conf line 3: Invalid value: perhaps\n"
        "Error in configuration file /d.conf line 5: "
        "Unknown setting: service { procces_limit\n"
        "Error in configuration file /d.conf line 7: Expecting '{'\n"
        "Error in configuration file /d.conf line 8: "
        "Unknown setting: unheard { unheard\n"
        "Error in configuration file /d.conf line 13: Invalid size: 12x\n"
        "Error in configuration file /d.conf line 14: Unexpected '}'\n"
        "Error in configuration file /sub/more.conf line 1: "
        "Unknown setting: bar\n"
        "Error in configuration file /d.conf line 16: No matches\n"
        "Error in configuration file /d.conf line 18: "
        "Unknown variable: $nothing\n"
        "Error in configuration file /d.conf line 20: "
        "Section not allowed here\n"
        "Error in configuration file /d.conf line 24: protocol { local { .. } }"
        " not allowed (use local { protocol { .. } } instead)\n"
        "Error in configuration file /d.conf line 28: Auth settings not "
        "supported inside local/remote blocks: auth_mechanisms\n"
        "Error in configuration file /d.conf: "
        "Missing '}' (section started at /d.conf:30)\n");
}

TEST_CASE("An error comes with what is allowed", "[dovecot]") {
  FakeFiles files{{"/d.conf", "ssl = perhaps\nmail_locaton = x\n"}};
  auto configuration = Configuration::load("/d.conf", files);
  REQUIRE(configuration.problems().size() == 2);
  CHECK(configuration.problems()[0].hint == "ssl: one of yes, no, required");
  CHECK(configuration.problems()[1].hint == "did you mean mail_location?");
}

TEST_CASE("A setting after a filter that sets it is warned of", "[dovecot]") {
  CHECK(
      problems("protocol imap {\n  mail_plugins = a\n}\nmail_plugins = b\n") ==
      "/d.conf line 4: Global setting mail_plugins won't change the setting "
      "inside an earlier filter at /d.conf line 2 (if this is intentional, "
      "avoid this warning by moving the global setting before /d.conf line "
      "2)\n");
}

TEST_CASE("Lines are read as the original reads them", "[dovecot]") {
  auto value = [](std::string_view line) {
    StatementReader reader(line);
    auto statement = reader.next();
    return statement ? statement->value : "none";
  };
  CHECK(value("a = b # c\n") == "b");
  CHECK(value("a = \"b # c\"\n") == "b # c");
  CHECK(value("a = 'b \\' c'") == "b ' c");
  CHECK(value("a = \"b\" c\n") == "\"b\" c");
  CHECK(value("# x\n\n  a=b  \n") == "b");
  CHECK(value("a = b \\\n  c\n") == "b c");
  CHECK(value("a = <  /x y\n") == "/x y");
  CHECK(value("# only\n") == "none");
  StatementReader reader("mailbox \"Sent Messages\" {\n");
  auto statement = reader.next();
  REQUIRE(statement);
  CHECK(statement->kind == Statement::Kind::Begin);
  CHECK(statement->name == "Sent Messages");
}

TEST_CASE("Names are expanded word by word", "[dovecot]") {
  FakeFiles files{{"/d.conf",
                   "mail_plugins = a\n"
                   "hostname = $mail_plugins x$mail_plugins $ENV:HOME\n"
                   "protocols = $protocols imap\n"}};
  auto settings = Configuration::load("/d.conf", files).settings({}, files);
  REQUIRE(settings);
  CHECK((*settings)->get(setting::hostname) == "a x$mail_plugins /root");
  CHECK((*settings)->get(setting::protocols) == " imap");
  auto raw = Configuration::load("/d.conf", files, Expand::No);
  settings = raw.settings({}, files);
  REQUIRE(settings);
  CHECK((*settings)->get(setting::hostname) ==
        "$mail_plugins x$mail_plugins $ENV:HOME");
  CHECK((*settings)->get(setting::protocols) == " imap");
}

TEST_CASE("What is set but not built is named once", "[dovecot]") {
  FakeFiles files{{"/d.conf",
                   "director_servers = 10.0.0.1\n"
                   "protocol imap {\n  director_servers = 10.0.0.2\n}\n"
                   "replicator_port = 0\nprotocols = imap\n"
                   "mail_plugins = quota acl\n"
                   "protocol lmtp {\n  mail_plugins = $mail_plugins sieve\n}\n"
                   // Tunes what is not here: nothing is missed.
                   "ssl_client_ca_dir = /etc/ssl/certs\n"}};
  auto configuration = Configuration::load("/d.conf", files);
  CHECK(configuration.unbuilt_but_set() ==
        std::vector<std::string>{
            "director_servers is set at /d.conf line 1, but not built yet",
            "mail_plugins: acl is set at /d.conf line 7, but not built yet",
            "mail_plugins: sieve is set at /d.conf line 9, but not built yet"});
}

TEST_CASE("Old settings are understood, with a warning", "[dovecot]") {
  CHECK(problems("dbox_rotate_size = 5 M\nlogin_dir = /x\n"
                 "ssl_dh_parameters_length = 2048\nssl_cert_file = /x\n") ==
        "Obsolete setting in /d.conf:1: dbox_rotate_size has been renamed to "
        "mdbox_rotate_size\n"
        "Obsolete setting in /d.conf:2: login_dir has been removed\n"
        "Obsolete setting in /d.conf:3: ssl_dh_parameters_length is no longer "
        "needed\n"
        "Obsolete setting in /d.conf:4: ssl_cert_file has been replaced by "
        "ssl_cert = <file\n");
}
