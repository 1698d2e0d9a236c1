#include "smtpd/restrict/dnsbl.h"
#include "tests/unit/smtpd/restrict/fixture.h"

using namespace mail;
using namespace mail::smtpd;
using namespace mail::smtpd::restriction;
using Lines = std::vector<std::string>;

TEST_CASE("Block lists give their reason") {
  Bench site("smtpd_client_restrictions = reject_rbl_client rbl.example\n");
  CHECK(site.rcpt() == "ok");
  site.dns.add("10.2.0.192.rbl.example", dns::Type::A,
               test::dns_a("127.0.0.2"));
  site.dns.add("10.2.0.192.rbl.example", dns::Type::TXT,
               test::dns_txt({"bad host"}));
  site.facts.client.address = *net::IpAddress::parse("192.0.2.10");
  site.facts.client.address_text = "192.0.2.10";
  CHECK(site.rcpt() ==
        "554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using "
        "rbl.example; bad host");
}

TEST_CASE("Block lists of names") {
  Bench site("smtpd_sender_restrictions = reject_rhsbl_sender d.example\n");
  site.dns.add("x.example.d.example", dns::Type::A, test::dns_a("127.0.0.2"));
  CHECK(site.rcpt() ==
        "554 5.7.1 Service unavailable; Sender address [a@x.example] blocked "
        "using d.example");
}

TEST_CASE("Filters take sets and ranges") {
  auto rule = parse_dnsbl("d.example=127.0.0.[1;3..7]");
  REQUIRE(rule);
  CHECK(rule->domain == "d.example");
  auto matches = [&](std::string_view text) {
    return filter_matches(rule->filter, *net::IpAddress::parse(text));
  };
  CHECK(matches("127.0.0.1"));
  CHECK(matches("127.0.0.5"));
  CHECK_FALSE(matches("127.0.0.2"));
  CHECK_FALSE(matches("127.0.1.1"));
  for (auto bad : {"d=", "d=1.2.3", "d=1.2.3.4.5", "d=1.2.3.[4", "d=1.2.3.[]",
                   "d=1.2.3.[5..4]", "d=1.2.3.256"}) {
    INFO(bad);
    CHECK_FALSE(parse_dnsbl(bad));
  }
}

TEST_CASE("Domains that do not exist are refused, uncertain ones deferred") {
  Bench site("smtpd_sender_restrictions = reject_unknown_sender_domain\n");
  site.dns.add("mx.example", dns::Type::MX, test::dns_mx(10, "m.example"));
  site.dns.add("null.example", dns::Type::MX, test::dns_mx(0, ""));
  site.facts.sender = "a@mx.example";
  CHECK(site.rcpt() == "ok");
  site.facts.sender = "a@no.example";
  CHECK(site.rcpt() ==
        "450 4.1.8 <a@no.example>: Sender address rejected: Domain not found");
  site.facts.sender = "a@null.example";
  CHECK(site.rcpt() ==
        "550 5.7.27 <a@null.example>: Sender address rejected: Domain "
        "null.example does not accept mail (nullMX)");
  site.facts.sender = "a@example.com";
  CHECK(site.rcpt() == "ok");
  site.facts.sender = "";
  CHECK(site.rcpt() == "ok");
  // An uncertain answer must not hide a definite no.
  site.dns.handler = [](const test::DnsQuery& query) {
    return std::optional(test::DnsReply(query).rcode(2).bytes());
  };
  site.facts.sender = "a@unsure.example";
  CHECK(site.rcpt() ==
        "450 4.1.8 <a@unsure.example>: Sender address rejected: Domain not "
        "found");
  CHECK(site.rcpt("x@else.example").substr(0, 9) == "554 5.7.1");
}

TEST_CASE("Hosts behind a domain are looked up in tables") {
  Bench site(
      "smtpd_sender_restrictions = check_sender_mx_access "
      "inline:{203.0.113.5=REJECT,good.example=OK}\n");
  site.dns.add("x.example", dns::Type::MX, test::dns_mx(10, "m.example"));
  site.dns.add("m.example", dns::Type::A, test::dns_a("203.0.113.5"));
  CHECK(site.rcpt() ==
        "554 5.7.1 <a@x.example>: Sender address rejected: Access denied");
  site.logged();
  site.dns.add("y.example", dns::Type::MX, test::dns_mx(10, "good.example"));
  site.dns.add("good.example", dns::Type::A, test::dns_a("203.0.113.6"));
  site.facts.sender = "a@y.example";
  CHECK(site.rcpt() == "ok");
  CHECK(site.logged() ==
        Lines{"warning: restriction check_sender_mx_access returns OK for "
              "y.example",
              "warning: this is not allowed for security reasons",
              "warning: use DUNNO instead of OK if you want to make an "
              "exception"});
}

TEST_CASE("A backup mail exchanger takes mail for its domains") {
  Bench site(
      "smtpd_relay_restrictions = permit_mx_backup, "
      "reject_unauth_destination\n");
  site.dns.add("b.example", dns::Type::MX, test::dns_mx(10, "prime.example"));
  site.dns.add("b.example", dns::Type::MX, test::dns_mx(20, "us.example"));
  site.dns.add("prime.example", dns::Type::A, test::dns_a("203.0.113.5"));
  site.dns.add("us.example", dns::Type::A, test::dns_a("192.0.2.77"));
  CHECK(site.rcpt("x@b.example") == "ok");
  site.dns.add("c.example", dns::Type::MX, test::dns_mx(10, "prime.example"));
  CHECK(site.rcpt("x@c.example") ==
        "554 5.7.1 <x@c.example>: Relay access denied");
}

TEST_CASE("Clients without a name") {
  Bench site("smtpd_client_restrictions = reject_unknown_client_hostname\n");
  CHECK(site.rcpt() == "ok");
  site.facts.client.name_status = NameStatus::Fail;
  CHECK(site.rcpt() ==
        "450 4.7.25 Client host rejected: cannot find your hostname, "
        "[192.0.2.9]");
}
