#include "tests/unit/smtpd/restrict/fixture.h"

using namespace mail;
using namespace mail::smtpd;
using namespace mail::smtpd::restriction;
using Lines = std::vector<std::string>;

TEST_CASE("A server that would relay for all does not start") {
  Bench site("smtpd_recipient_restrictions = permit_mynetworks\n", false);
  CHECK(site.open_error().find(
            "in parameter smtpd_relay_restrictions or "
            "smtpd_recipient_restrictions, specify at least one working "
            "instance of: reject_unauth_destination") == 0);
  Bench in_class(
      "smtpd_restriction_classes = c, d\nc = d\nd = c, reject\n"
      "smtpd_recipient_restrictions = c\n",
      false);
  CHECK(in_class.open_error().empty());
  Bench warned("smtpd_recipient_restrictions = warn_if_reject reject\n", false);
  CHECK_FALSE(warned.open_error().empty());
}

TEST_CASE("Relaying is refused, and asked of trivial-rewrite once") {
  Bench site("");
  CHECK(site.rcpt() == "ok");
  CHECK(site.rcpt("x@relay.example") == "ok");
  CHECK(site.rcpt("x@else.example") ==
        "554 5.7.1 <x@else.example>: Relay access denied");
  CHECK(site.logged() ==
        Lines{"NOQUEUE: reject:" + kFrom +
              "554 5.7.1 <x@else.example>: Relay access denied; "
              "from=<a@x.example> to=<x@else.example> proto=ESMTP "
              "helo=<client.example.org>"});
  int before = site.resolved;
  CHECK(site.rcpt() == "ok");
  CHECK(site.resolved == before);
  CHECK(site.rcpt("x@broken.example") ==
        "451 4.3.0 <x@broken.example>: Temporary lookup failure");
}

TEST_CASE("Unknown recipients of our own are refused") {
  Bench site("");
  CHECK(site.rcpt("nobody@example.com") ==
        "550 5.1.1 <nobody@example.com>: Recipient address rejected: User "
        "unknown in local recipient table");
  CHECK(site.rcpt("postmaster@example.com") == "ok");
  CHECK(site.rcpt("Postmaster") == "ok");
  Bench terse("show_user_unknown_table_name = no\n");
  CHECK(terse.rcpt("nobody@example.com") ==
        "550 5.1.1 <nobody@example.com>: Recipient address rejected: User "
        "unknown");
  Bench off("smtpd_reject_unlisted_recipient = no\n");
  CHECK(off.rcpt("nobody@example.com") == "ok");
  Bench aliased("virtual_alias_maps = inline:{nobody@example.com=x}\n");
  CHECK(aliased.rcpt("nobody@example.com") == "ok");
}

TEST_CASE("What goes to the error or retry transport is refused") {
  Bench site("");
  CHECK(site.rcpt("a@moved.example") ==
        "550 5.1.6 <a@moved.example>: Recipient address rejected: moved away");
  CHECK(site.rcpt("a@later.example") ==
        "450 4.1.1 <a@later.example>: Recipient address rejected: later");
  Bench aliased("virtual_alias_maps = inline:{a@moved.example=x}\n");
  CHECK(aliased.rcpt("a@moved.example") == "ok");
  Bench senders("smtpd_reject_unlisted_sender = yes\n");
  senders.facts.sender = "b@later.example";
  CHECK(senders.rcpt() ==
        "450 4.1.0 <b@later.example>: Sender address rejected: later");
}

TEST_CASE("Client, helo and sender wait for the recipient") {
  Bench site("smtpd_helo_restrictions = reject\n");
  CHECK(site.check(Stage::Helo) == "ok");
  CHECK(site.rcpt() ==
        "554 5.7.1 <client.example.org>: Helo command rejected: Access "
        "denied");
  Bench early("smtpd_helo_restrictions = reject\nsmtpd_delay_reject = no\n");
  early.facts.sender.reset();
  CHECK(early.check(Stage::Helo).substr(0, 9) == "554 5.7.1");
  CHECK(early.rcpt() == "ok");
}

TEST_CASE("What is put off comes before a yes, and instead of a no") {
  Bench permit("smtpd_recipient_restrictions = defer_if_permit\n");
  CHECK(permit.rcpt() ==
        "450 4.7.0 <alice@example.com>: Recipient address rejected: "
        "defer_if_permit requested");
  Bench reject("smtpd_recipient_restrictions = defer_if_reject, reject\n");
  CHECK(reject.rcpt() ==
        "450 4.7.0 <alice@example.com>: Recipient address rejected: "
        "defer_if_reject requested");
  Bench both("smtpd_recipient_restrictions = defer_if_permit, reject\n");
  CHECK(both.rcpt().substr(0, 9) == "554 5.7.1");
}

TEST_CASE("local_header_rewrite_clients says whose headers are completed") {
  auto local = [](Bench& site) {
    if (!site.restrictions) REQUIRE(site.open_error() == "");
    auto answer = site.loop.run(site.restrictions->is_local_client(site.facts));
    return answer ? std::string(*answer ? "yes" : "no") : answer.error().what;
  };
  Bench usual("");
  usual.facts.client.in_mynetworks = true;
  CHECK(local(usual) == "no");
  usual.facts.client.address = *net::IpAddress::parse("192.0.2.77");
  CHECK(local(usual) == "yes");
  Bench site(
      "local_header_rewrite_clients = permit_mynetworks, check_address_map "
      "inline:{192.0.2.8=x} permit_sasl_authenticated\n");
  CHECK(local(site) == "no");
  site.facts.client.in_mynetworks = true;
  CHECK(local(site) == "yes");
  site.facts.client.in_mynetworks = false;
  site.facts.sasl_username = "alice";
  CHECK(local(site) == "yes");
  site.facts.sasl_username = "";
  site.facts.client.address_text = "192.0.2.8";
  CHECK(local(site) == "yes");
  Bench none("local_header_rewrite_clients =\n");
  none.facts.client.address = *net::IpAddress::parse("192.0.2.77");
  CHECK(local(none) == "no");
  Bench wrong("local_header_rewrite_clients = permit_all\n");
  CHECK(local(wrong) == "no");
  CHECK(wrong.logged()[0] ==
        "warning: parameter local_header_rewrite_clients: invalid request: "
        "permit_all");
  Bench broken("local_header_rewrite_clients = fail:x\n");
  CHECK(local(broken).find("lookup error") != std::string::npos);
}

TEST_CASE("Unknown restrictions fail when they are reached") {
  Bench site("smtpd_recipient_restrictions = permit_mynetworks, reject_foo\n");
  site.facts.client.in_mynetworks = true;
  CHECK(site.rcpt() == "ok");
  site.facts.client.in_mynetworks = false;
  CHECK(site.rcpt() == "451 4.3.5 Server configuration error");
  CHECK(site.logged()[0] ==
        "warning: unknown smtpd restriction: \"reject_foo\"");
}

TEST_CASE("Without verify nobody is believed, but probes may come back") {
  Bench site(
      "smtpd_sender_restrictions = reject_unverified_sender\n"
      "address_verify_sender_ttl = 1h\nmyorigin = example.com\n");
  CHECK(site.rcpt() ==
        "450 4.1.7 <a@x.example>: Sender address rejected: unverified "
        "address: address verification problem");
  long period = time(nullptr) / 3600;
  std::string number;
  for (; period > 0; period /= 31) {
    number.insert(0, 1, "0123456789BCDFGHJKLMNPQRSTVWXYZ"[period % 31]);
  }
  CHECK(site.rcpt("double-bounce" + number + "@example.com") == "ok");
  CHECK(site.rcpt("double-bounce@example.com") != "ok");
  site.facts.sender = "";
  CHECK(site.rcpt() == "ok");
}

TEST_CASE("HELO names are checked") {
  struct {
    const char *name, *invalid, *unqualified;
  } cases[] = {
      {"client.example.org", "ok", "ok"},
      {"1.2.3.4", "ok", "504"},
      {"[1.2.3.4]", "ok", "ok"},
      {"[1.2.3]", "501", "501"},
      {"1.2.3", "501", "504"},
      {"-foo.x", "501", "504"},
      {"x", "ok", "504"},
  };
  for (const auto& one : cases) {
    INFO(one.name);
    Bench invalid("smtpd_helo_restrictions = reject_invalid_helo_hostname\n");
    invalid.facts.helo = one.name;
    CHECK(invalid.rcpt().substr(0, 3) == std::string(one.invalid).substr(0, 3));
    Bench unqualified(
        "smtpd_helo_restrictions = reject_non_fqdn_helo_hostname\n");
    unqualified.facts.helo = one.name;
    CHECK(unqualified.rcpt().substr(0, 3) ==
          std::string(one.unqualified).substr(0, 3));
  }
}

TEST_CASE("Senders' addresses belong to somebody") {
  const std::string settings =
      "smtpd_sasl_auth_enable = yes\n"
      "smtpd_sender_login_maps = inline:{a@x.example=bob}\n"
      "smtpd_sender_restrictions = reject_sender_login_mismatch\n";
  Bench site(settings);
  CHECK(site.rcpt() ==
        "553 5.7.1 <a@x.example>: Sender address rejected: not logged in");
  site.facts.sasl_method = "PLAIN";
  site.facts.sasl_username = "eve";
  CHECK(site.rcpt() ==
        "553 5.7.1 <a@x.example>: Sender address rejected: not owned by user "
        "eve");
  site.facts.sasl_username = "Bob";
  CHECK(site.rcpt() == "ok");
}

TEST_CASE("DATA and later stages have their own names") {
  Bench site(
      "smtpd_data_restrictions = reject_multi_recipient_bounce\n"
      "smtpd_end_of_data_restrictions = reject\n");
  REQUIRE(site.open_error().empty());
  CHECK(site.restrictions->has(Stage::Data));
  CHECK_FALSE(site.restrictions->has(Stage::Etrn));
  site.facts.recipient.reset();
  site.facts.sender = "";
  site.facts.recipient_count = 2;
  CHECK(site.check(Stage::Data) ==
        "550 5.5.3 <DATA>: Data command rejected: Multi-recipient bounce");
  CHECK(site.check(Stage::EndOfData) ==
        "554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: Access denied");
}
