#include "common/config/postfix/master_cf.h"

#include <catch2/catch.hpp>

namespace mail::config {

using Strings = std::vector<std::string>;

TEST_CASE("A service line has its eight fields and arguments", "[config]") {
  auto services = parse_master_cf(
      "# comment\n"
      "smtp inet n - y 60? - smtpd -v\n"
      "  -o { name = a b }\n"
      "# comment inside\n"
      "\t-o x=y {c d} e{ f }\n"
      "postlog unix-dgram n - n - 1 postlogd\n",
      "m", {}, {});
  REQUIRE(services);
  REQUIRE(services->size() == 2);
  const MasterService& smtp = services->front();
  CHECK(smtp.name == "smtp");
  CHECK(smtp.type == ServiceType::Inet);
  CHECK_FALSE(smtp.is_private);
  CHECK(smtp.unprivileged);
  CHECK(smtp.chroot);
  CHECK(smtp.wakeup == 60);
  CHECK(smtp.wakeup_when_used);
  CHECK(smtp.process_limit == 100);
  CHECK(smtp.command == "smtpd");
  CHECK(smtp.args ==
        Strings{"-v", "-o", "name = a b", "-o", "x=y", "c d", "e{ f }"});
  CHECK(smtp.line == 2);
  CHECK(services->back().line == 6);
  CHECK(services->back().type == ServiceType::UnixDgram);
}

TEST_CASE("A dash is the default", "[config]") {
  auto services = parse_master_cf("a unix - - - - - b\n", "m",
                                  {.chroot = true, .process_limit = 7}, {});
  REQUIRE(services);
  const MasterService& service = services->front();
  CHECK(service.is_private);
  CHECK(service.unprivileged);
  CHECK(service.chroot);
  CHECK(service.chroot_by_old_default);
  CHECK(service.wakeup == 0);
  CHECK(service.process_limit == 7);
}

TEST_CASE("Bad service lines are named", "[config]") {
  auto error = [](const char* line) {
    auto services = parse_master_cf(line, "m", {}, {});
    return services ? std::string() : services.error().what;
  };
  CHECK(error("smtp") == "m: line 1: missing \"transport type\" field");
  CHECK(error("smtp inet n - y - -") == "m: line 1: missing \"command\" field");
  CHECK(error("a inet q - y - - b") ==
        "m: line 1: field \"private\": bad value: \"q\"");
  CHECK(error("a unix n yes y - - b") ==
        "m: line 1: field \"unprivileged\": bad value: \"yes\"");
  CHECK(error("a unix n - Y - - b") ==
        "m: line 1: field \"chroot\": bad value: \"Y\"");
  CHECK(error("a unix n - y -? - b") ==
        "m: line 1: field \"wakeup_time\": bad value: \"-?\"");
  CHECK(error("a unix n - y - -1 b") ==
        "m: line 1: field \"max_proc\": bad value: \"-1\"");
  CHECK(error("a inett n - y - - b") == "m: line 1: bad transport type: inett");
  CHECK(error("a - n - y - - b") ==
        "m: line 1: field \"transport type\" has no default value");
  CHECK(error("\n\na unix n - y - - -") ==
        "m: line 3: field \"command\" has no default value");
  CHECK(error("smtp inet - - y - - b") ==
        "m: line 1: inet service cannot be private");
  CHECK(error("x..y:smtp inet n - y - - b") ==
        "m: line 1: valid hostname or network address required in "
        "\"x..y:smtp\"");
  CHECK(error("[1.2.3]:smtp inet n - y - - b") ==
        "m: line 1: valid hostname or network address required in "
        "\"[1.2.3]:smtp\"");
  CHECK(error("[::1]:smtp inet n - y - - b").empty());
  CHECK(error("a unix n n n - - b -o { c") ==
        "m: line 1: missing '}' in \"{ c\"");
  CHECK(error("a unix n n n - - b -o {c}d") ==
        "m: line 1: syntax error after '}' in \"{c}d\"");
  CHECK(error("a unix n n n - 99999999999 b").empty());
}

TEST_CASE("-o is found in its three forms", "[config]") {
  auto overrides = overrides_of(
      {"-v", "-o", "a = b c", "-od=e", "-vo", "f=g", "h", "-o", "not=this"});
  REQUIRE(overrides);
  CHECK(*overrides ==
        std::vector<NameValue>{{"a", "b c"}, {"d", "e"}, {"f", "g"}});
  CHECK(overrides_of({"-o", "x"}).error().what ==
        "invalid \"-o x\" option value: missing '=' after attribute name");
  CHECK(overrides_of({"-o"})->empty());
}

TEST_CASE("master_service_disable matches service and type", "[config]") {
  MasterService service{.name = "smtp", .type = ServiceType::Inet};
  CHECK(is_disabled("inet", service));
  CHECK(is_disabled("foo/unix, smtp/inet", service));
  CHECK_FALSE(is_disabled("!smtp/inet inet", service));
  CHECK_FALSE(is_disabled("smtp/unix", service));
  CHECK_FALSE(is_disabled("", service));
}

}  // namespace mail::config
