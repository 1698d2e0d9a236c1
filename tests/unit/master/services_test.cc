#include <catch2/catch.hpp>

#include "master/child_command.h"
#include "master/service_spec.h"

using namespace mail;
using namespace mail::master;

namespace {

struct Site {
  config::SettingsPtr settings;
  config::HostFacts host;
  std::vector<std::string> warnings;

  explicit Site(std::string main_cf = "compatibility_level = 3.6\n") {
    host.host_name = "mx.example.com";
    host.interfaces = [] {
      return std::vector<config::OwnAddress>{{"127.0.0.1", 8},
                                             {"192.0.2.7", 24}};
    };
    config::LoadArgs args;
    args.process_name = "master";
    args.host = host;
    args.check_accounts = false;
    args.read = [main_cf](const std::string& path) -> Result<std::string> {
      if (path.ends_with("/main.cf")) return main_cf;
      return fail(Fault::Config, "no such file");
    };
    auto loaded = config::load(args);
    REQUIRE(loaded);
    settings = *loaded;
  }
  Result<std::vector<ServiceSpec>> plan(std::string_view text) {
    return plan_services(
        text, "/etc/postfix/master.cf", *settings, host,
        [this](std::string_view warning) { warnings.emplace_back(warning); });
  }
  std::vector<std::string> argv(std::string_view line, ChildFlags flags = {}) {
    auto specs = plan(line);
    REQUIRE(specs);
    REQUIRE(specs->size() == 1);
    return child_arguments(specs->front(), flags);
  }
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("Children get the arguments that Debian's master gives") {
  Site site;
  CHECK(site.argv("pickup unix n - y 60 1 pickup") ==
        Words{"pickup", "-l", "-t", "unix", "-u", "-c"});
  CHECK(site.argv("qmgr unix n - n 300 1 qmgr") ==
        Words{"qmgr", "-l", "-t", "unix", "-u"});
  CHECK(site.argv("postlog unix-dgram n - n - 1 postlogd") ==
        Words{"postlogd", "-l", "-n", "postlog", "-t", "unix-dgram", "-u"});
  CHECK(site.argv("cleanup unix n - y - 0 cleanup") ==
        Words{"cleanup", "-z", "-t", "unix", "-u", "-c"});
  ChildFlags two;
  two.sockets = 2;
  CHECK(site.argv("25 inet n - y - - smtpd -o a=b", two) ==
        Words{"smtpd", "-n", "25", "-t", "inet", "-u", "-c", "-o",
              "stress=", "-s", "2", "-o", "a=b"});
  CHECK(site.argv("local unix - n n - - local") ==
        Words{"local", "-t", "unix"});
}

TEST_CASE("Flags of the master reach its children") {
  Site site;
  ChildFlags flags;
  flags.attached = true;
  flags.verbose = 2;
  flags.rootless = true;
  flags.stressed = true;
  CHECK(site.argv("25 inet n - y - - smtpd", flags) ==
        Words{"smtpd", "-n", "25", "-t", "inet", "-d", "-v", "-v", "-o",
              "stress=yes"});
  // Nobody from outside reaches it.
  CHECK(site.argv("127.0.0.1:25 inet n - y - - smtpd") ==
        Words{"smtpd", "-n", "127.0.0.1:25", "-t", "inet", "-u", "-c"});
}

TEST_CASE("inet services listen where inet_interfaces says") {
  Site all;
  auto specs = all.plan("2525 inet n - y - - smtpd");
  REQUIRE(specs);
  REQUIRE(specs->front().addresses.size() == 2);
  CHECK(specs->front().addresses[0].text() == "0.0.0.0:2525");
  CHECK(specs->front().addresses[1].text() == "[::]:2525");
  CHECK_FALSE(specs->front().local_only);

  Site loopback("inet_interfaces = loopback-only\ninet_protocols = ipv4\n");
  specs = loopback.plan("2525 inet n - y - - smtpd");
  REQUIRE(specs);
  REQUIRE(specs->front().addresses.size() == 1);
  CHECK(specs->front().addresses[0].text() == "127.0.0.1:2525");
  CHECK(specs->front().local_only);
}

TEST_CASE("Of duplicates the last one runs, and a warning says so") {
  Site site;
  auto specs = site.plan(
      "a unix - - n - 1 error\n"
      "b unix n - n - 1 error\n"
      "a unix - - n - 2 discard\n");
  REQUIRE(specs);
  REQUIRE(specs->size() == 2);
  CHECK(specs->front().line.command == "discard");
  CHECK(specs->front().socket == "private/a");
  CHECK(specs->back().socket == "public/b");
  CHECK(site.warnings ==
        Words{"duplicate master.cf entry for service \"a\" (private/a) -- "
              "using the last entry"});
}

TEST_CASE("Disabled services are left out") {
  Site site("master_service_disable = inet, a/unix\n");
  auto specs = site.plan(
      "2525 inet n - y - - smtpd\n"
      "a unix - - n - 1 error\n"
      "b unix - - n - 1 error\n");
  REQUIRE(specs);
  REQUIRE(specs->size() == 1);
  CHECK(specs->front().key == "unix/b");
}

TEST_CASE("A host that is nobody's is an error of its line") {
  Site site;
  site.host.resolve = [](const std::string&) {
    return std::vector<std::string>();
  };
  auto specs = site.plan("nowhere.example:25 inet n - y - - smtpd");
  REQUIRE_FALSE(specs);
  CHECK(specs.error().what ==
        "/etc/postfix/master.cf: line 1: bad hostname or network address: "
        "nowhere.example:25");
}
