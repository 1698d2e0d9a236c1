#include "tests/unit/smtpd/restrict/fixture.h"

using namespace mail;
using namespace mail::smtpd::restriction;
using Lines = std::vector<std::string>;

namespace {

// A table whose entry for every recipient is `value`.
std::string for_recipient(const std::string& value) {
  return "smtpd_recipient_restrictions = check_recipient_access inline:{{"
         "alice@example.com=" +
         value + "}}\n";
}

struct Case {
  std::string value, reply;
};

}  // namespace

TEST_CASE("Access tables reject in the words of their entries") {
  const std::string rejected =
      "<alice@example.com>: Recipient address rejected: ";
  const Case cases[] = {
      {"OK", "ok"},
      {"ok good one", "ok"},
      {"12345", "ok"},
      {"550", "ok"},
      {"DUNNO", "ok"},
      {"REJECT", "554 5.7.1 " + rejected + "Access denied"},
      {"reject Some text here", "554 5.7.1 " + rejected + "Some text here"},
      {"REJECT 5.1.8 dsn text", "554 5.1.2 " + rejected + "dsn text"},
      {"DEFER", "450 4.7.1 " + rejected + "Access denied"},
      {"550 go away", "550 5.7.1 " + rejected + "go away"},
      {"550 4.3.3 go away", "550 5.3.3 " + rejected + "go away"},
      {"421 bye", "421 4.7.1 " + rejected + "bye"},
      {"DEFER_IF_PERMIT", "450 4.7.1 " + rejected + "Service unavailable"},
      {"DEFER_IF_PERMIT later", "450 4.7.1 " + rejected + "later"},
      {"DEFER_IF_REJECT", "ok"},
      {"HANGUP", "hangup"},
      {"FOOBAR", "451 4.3.5 Server configuration error"},
      {"250 yes", "451 4.3.5 Server configuration error"},
      {"reject_non_fqdn_sender, reject",
       "554 5.7.1 " + rejected + "Access denied"},
      {"check_client_access static:OK", "451 4.3.5 Server configuration error"},
  };
  for (const auto& one : cases) {
    INFO(one.value);
    Bench site(for_recipient(one.value));
    CHECK(site.rcpt() == one.reply);
  }
}

TEST_CASE("Access tables act on the message and say so") {
  const std::string triggers = "<alice@example.com>: Recipient address ";
  Bench hold(for_recipient("HOLD because"));
  CHECK(hold.rcpt() == "ok");
  CHECK(hold.effects.hold);
  CHECK(hold.logged() ==
        Lines{"NOQUEUE: hold:" + kFrom + triggers + "because" + kFacts});
  Bench filter(for_recipient("FILTER smtp:foo"));
  CHECK(filter.rcpt() == "ok");
  CHECK(filter.effects.filter == "smtp:foo");
  CHECK(filter.logged() == Lines{"NOQUEUE: filter:" + kFrom + triggers +
                                 "triggers FILTER smtp:foo" + kFacts});
  Bench bad(for_recipient("REDIRECT bob"));
  CHECK(bad.rcpt() == "ok");
  CHECK(bad.effects.redirect.empty());
  CHECK(bad.logged() ==
        Lines{"warning: access table inline:{{alice@example.com=REDIRECT bob}} "
              "entry \"alice@example.com\" requires user@domain target"});
  Bench prepend(for_recipient("PREPEND X-Foo: bar"));
  CHECK(prepend.rcpt() == "ok");
  CHECK(prepend.effects.prepend == Lines{"X-Foo: bar"});
  CHECK(prepend.logged().empty());
  Bench info(for_recipient("INFO hello"));
  CHECK(info.rcpt() == "ok");
  CHECK(info.logged() == Lines{"NOQUEUE: info:" + kFrom + "hello" + kFacts});
}

TEST_CASE("After DISCARD nothing more is asked") {
  Bench site(for_recipient("DISCARD"));
  CHECK(site.rcpt() == "ok");
  CHECK(site.effects.discard);
  CHECK(site.rcpt("nobody@example.com") == "ok");
}

TEST_CASE("warn_if_reject only logs") {
  Bench site(
      "smtpd_recipient_restrictions = warn_if_reject check_client_access "
      "static:REJECT, check_helo_access static:DUNNO\n");
  CHECK(site.rcpt() == "ok");
  CHECK(site.logged() ==
        Lines{"NOQUEUE: reject_warning:" + kFrom +
              "554 5.7.1 <client.example.org[192.0.2.9]>: Client host "
              "rejected: Access denied" +
              kFacts});
}

TEST_CASE("Clients are found by name, parents, address and networks") {
  for (std::string key :
       {"client.example.org", "example.org", "192.0.2.9", "192.0.2", "192"}) {
    INFO(key);
    Bench site("smtpd_client_restrictions = check_client_access inline:{" +
               key + "=REJECT}\n");
    CHECK(site.rcpt() ==
          "554 5.7.1 <client.example.org[192.0.2.9]>: Client host rejected: "
          "Access denied");
  }
  Bench cidr(
      "smtpd_client_restrictions = check_client_access "
      "cidr:{{192.0.2.0/28 REJECT}}\n");
  CHECK(cidr.rcpt().substr(0, 9) == "554 5.7.1");
}

TEST_CASE("The null sender has a key of its own") {
  Bench site(
      "smtpd_sender_restrictions = check_sender_access inline:{<>=REJECT}\n");
  CHECK(site.rcpt() == "ok");
  site.facts.sender = "";
  CHECK(site.rcpt() == "554 5.7.1 <>: Sender address rejected: Access denied");
}

TEST_CASE("A recipient with a route in it is not let through by a table") {
  Bench site(
      "smtpd_recipient_restrictions = check_recipient_access static:OK, "
      "reject_unauth_destination\n",
      false);
  CHECK(site.rcpt("a%x.example@example.com") ==
        "554 5.7.1 <a%x.example@example.com>: Relay access denied");
}

TEST_CASE("A table that fails is our fault") {
  Bench site("smtpd_recipient_restrictions = check_client_access fail:x\n");
  CHECK(site.rcpt().find("451 4.3.5 <client.example.org[192.0.2.9]>: Client "
                         "host rejected: Server configuration error") == 0);
}

TEST_CASE("Permit actions are logged if asked for") {
  Bench site(for_recipient("OK") +
             "smtpd_log_access_permit_actions = static:all\n");
  CHECK(site.rcpt() == "ok");
  CHECK(site.logged() ==
        Lines{"NOQUEUE: permit:" + kFrom +
              "action=OK for Recipient address=alice@example.com from "
              "inline:{{alice@example.com=OK}}" +
              kFacts});
}
