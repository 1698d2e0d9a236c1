#include "tools/doveadm/print.h"

#include <catch2/catch.hpp>

#include "tools/doveadm/auth_info.h"
#include "tools/doveadm/usage.h"

using namespace mail;
using doveadm::Printer;

namespace {

std::string shown(Printer::Form form) {
  Printer printer(form);
  printer.columns({"field", "value"});
  printer.row({"uid", "5000"});
  printer.row({"quota_rule", "*:storage\t\"1G\""});
  return printer.finish();
}

}  // namespace

TEST_CASE("rows in all forms", "[doveadm]") {
  CHECK(shown(Printer::Form::Tab) ==
        "field\tvalue\nuid\t5000\nquota_rule\t*:storage\001t\"1G\"\n");
  CHECK(shown(Printer::Form::Flow) ==
        "field=uid value=5000\nfield=quota_rule value=*:storage\t\"1G\"\n");
  CHECK(shown(Printer::Form::Pager) ==
        "field: uid\nvalue: 5000\n\f\nfield: quota_rule\nvalue: "
        "*:storage\t\"1G\"\n");
  CHECK(shown(Printer::Form::Json) ==
        "[{\"field\":\"uid\",\"value\":\"5000\"},{\"field\":\"quota_rule\","
        "\"value\":\"*:storage\\t\\\"1G\\\"\"}]");
  CHECK(Printer::parse("pager") == Printer::Form::Pager);
  CHECK_FALSE(Printer::parse("foo"));
}

TEST_CASE("a table shares the room that is left, as the original's",
          "[doveadm]") {
  Printer printer(Printer::Form::Table);
  printer.columns({"field", "value"});
  printer.row({"uid", "5000"});
  printer.row({"mail", "maildir:~/Maildir"});
  std::string out = printer.finish();
  CHECK(out.substr(0, out.find('\n')).size() == 51);
  Printer who(Printer::Form::Table);
  who.columns({"username", "#", "proto", "(pids)", "(ips)"});
  CHECK(who.finish() ==
        "username # proto (pids) (ips)                         \n");
  Printer each(Printer::Form::Table);
  each.columns({"username", "proto", "pid", "ip"}, 0);
  CHECK(each.finish() ==
        "username                              proto pid ip\n");
}

TEST_CASE("usages and masks", "[doveadm]") {
  CHECK(doveadm::usage_line("auth test") ==
        "doveadm auth test [-a <auth socket path>] [-x <auth info>] [-M "
        "<master user>] <user> [<password>]\n");
  CHECK(doveadm::usage_list("").find(
            "  auth         cache|login|lookup|test\n") != std::string::npos);
  CHECK(doveadm::usage_list("auth").find("  cache        flush\n") !=
        std::string::npos);
  CHECK(doveadm::is_group("auth"));
  CHECK_FALSE(doveadm::is_group("user"));
  CHECK(doveadm::matches_mask("a*e?", "alicex"));
  CHECK_FALSE(doveadm::matches_mask("a*e", "bob"));
}
