#include "common/config/postfix/load.h"

#include <catch2/catch.hpp>

#include "tests/unit/common/config/fixture.h"

namespace mail::config {

using namespace std::chrono_literals;

TEST_CASE("An empty main.cf gives every default its value", "[config]") {
  Fixture fixture;
  auto settings = fixture.load();
  REQUIRE(settings);
  const Settings& s = **settings;
  CHECK(fixture.warnings.empty());
  CHECK_FALSE(s.get(param::smtpd_helo_required));
  CHECK(s.get(param::smtpd_hard_error_limit) == 20);
  CHECK(s.get(param::smtpd_timeout) == 300s);
  CHECK(s.get(param::postscreen_dnsbl_max_ttl) == 1h);
  CHECK(s.get(param::delay_warning_time) == 0s);
  CHECK(s.get(param::maximal_queue_lifetime) == 5 * 24h);
  CHECK(s.get(param::_2bounce_notice_recipient) == "postmaster");
  CHECK(s.get(param::myhostname) == "mx.example.org");
  CHECK(s.get(param::mydomain) == "example.org");
  CHECK(s.get(param::myorigin) == "mx.example.org");
  CHECK(s.get(param::mydestination) ==
        "mx.example.org, localhost.example.org, localhost");
  CHECK(s.get(param::syslog_name) == "postfix");
  CHECK(s.get(param::forward_path) ==
        "$home/.forward${recipient_delimiter}${extension}, $home/.forward");
}

TEST_CASE("compatibility_level decides what is not set", "[config]") {
  Fixture old_site;
  auto old_settings = old_site.load();
  REQUIRE(old_settings);
  CHECK((*old_settings)->get(param::append_dot_mydomain));
  CHECK_FALSE((*old_settings)->get(param::smtputf8_enable));
  CHECK((*old_settings)->get(param::smtpd_relay_restrictions).empty());
  CHECK((*old_settings)->get(param::smtpd_tls_fingerprint_digest) == "md5");
  CHECK((*old_settings)->below_level(3, 6));
  Fixture debian("compatibility_level = 3.6\n");
  auto settings = debian.load();
  REQUIRE(settings);
  CHECK_FALSE((*settings)->get(param::append_dot_mydomain));
  CHECK((*settings)->get(param::smtputf8_enable));
  CHECK((*settings)->get(param::smtpd_relay_restrictions) ==
        "permit_mynetworks, permit_sasl_authenticated, "
        "defer_unauth_destination");
  CHECK((*settings)->get(param::relay_domains).empty());
  CHECK_FALSE((*settings)->below_level(3, 6));
  CHECK((*settings)->below_level(3, 10));
  CHECK(Fixture("compatibility_level = new\n").error() ==
        "malformed compatibility level syntax: \"new\"");
}

TEST_CASE("mynetworks follows its style", "[config]") {
  auto networks = [](const char* text) {
    auto settings = Fixture(text).load();
    return settings ? (*settings)->get(param::mynetworks)
                    : settings.error().what;
  };
  CHECK(networks("mynetworks_style = host\n") ==
        "127.0.0.1/32 192.0.2.77/32 [::1]/128 [2001:db8::1:2]/128");
  CHECK(networks("mynetworks_style = subnet\n") ==
        "127.0.0.0/8 192.0.2.64/26 [::1]/128 [2001:db8::]/64");
  CHECK(networks("mynetworks_style = class\ninet_protocols = ipv4\n") ==
        "127.0.0.0/8 192.0.2.0/24");
  CHECK(networks("mynetworks_style=subnet\ninet_interfaces=192.0.2.77\n") ==
        "192.0.2.64/26");
  CHECK(networks("mynetworks_style=host\ninet_interfaces=loopback-only\n") ==
        "127.0.0.1/32 [::1]/128");
  CHECK(networks("mynetworks = 10.0.0.0/8\n") == "10.0.0.0/8");
  CHECK(networks("mynetworks_style = other\n") ==
        "unknown mynetworks_style value: other");
}

TEST_CASE("Host names complete each other", "[config]") {
  Fixture fixture("mydomain = example.net\n");
  fixture.args.host.host_name = "mx";
  auto settings = fixture.load();
  REQUIRE(settings);
  CHECK((*settings)->get(param::myhostname) == "mx.example.net");
  Fixture bare;
  bare.args.host.host_name = "mx";
  settings = bare.load();
  REQUIRE(settings);
  CHECK((*settings)->get(param::myhostname) == "mx.localdomain");
  CHECK((*settings)->get(param::mydomain) == "localdomain");
  CHECK(Fixture("myhostname = a_b..c\n").error() ==
        "file /etc/postfix/main.cf: parameter myhostname: bad parameter "
        "value: a_b..c");
}

TEST_CASE("myorigin may name a file", "[config]") {
  Fixture fixture("myorigin = /etc/mailname\nmydestination = $myorigin\n");
  CHECK(fixture.error() ==
        "myorigin file open /etc/mailname: No such file or directory");
  fixture.files["/etc/mailname"] = "\n";
  CHECK(fixture.error() == "myorigin file /etc/mailname is empty");
  fixture.files["/etc/mailname"] = " mail.example.org \nmore\n";
  auto settings = fixture.load();
  REQUIRE(settings);
  CHECK((*settings)->get(param::myorigin) == "mail.example.org");
  CHECK((*settings)->get(param::mydestination) == "mail.example.org");
  CHECK(Fixture("myorigin = a, b\n").error() ==
        "myorigin parameter setting must not contain multiple values: a, b");
}

TEST_CASE("A bad value stops the programs that read it, no other", "[config]") {
  Fixture fixture("smtpd_helo_required = maybe\nsmtpd_recipient_limit = x\n");
  fixture.args.process_name = "qmgr";
  auto settings = fixture.load();
  REQUIRE(settings);
  CHECK((*settings)->get(param::smtpd_recipient_limit) == 1000);
  fixture.args.process_name = "smtpd";
  CHECK(fixture.error() ==
        "bad boolean configuration: smtpd_helo_required = maybe");
  CHECK(Fixture("smtpd_recipient_limit = 10x\n").error() ==
        "bad numerical configuration: smtpd_recipient_limit = 10x");
  CHECK(Fixture("message_size_limit = 1 2\n").error() ==
        "bad numerical configuration: message_size_limit = 1 2");
  CHECK(Fixture("smtpd_timeout = 5y\n").error() ==
        "parameter smtpd_timeout: bad time value or unit: 5y");
}

TEST_CASE("Numbers keep to their bounds", "[config]") {
  CHECK(Fixture("smtpd_recipient_limit = 0\n").error() ==
        "invalid smtpd_recipient_limit parameter value 0 < 1");
  CHECK(Fixture("smtpd_timeout = 0\n").error() ==
        "invalid smtpd_timeout: 0 (min 1)");
}

TEST_CASE("Values expand once, whatever their order", "[config]") {
  Fixture fixture("mail_name = $a $b\na = <$b>\nb = $$x\n");
  auto settings = fixture.load();
  REQUIRE(settings);
  CHECK((*settings)->get(param::mail_name) == "<$x> $x");
  Fixture broken("mail_name = ${a\n");
  CHECK(broken.error() == "dictionary mail_dict: macro processing error");
  CHECK(broken.warnings ==
        std::vector<std::string>{"truncated macro reference: \"${a\""});
}

TEST_CASE("-o overrides main.cf and sees the service's name", "[config]") {
  Fixture fixture("syslog_name = other\n");
  auto override = parse_override(" syslog_name = postfix/$service_name ");
  REQUIRE(override);
  fixture.args.overrides.push_back(*override);
  fixture.args.service_name = "relay";
  fixture.args.process_name = "smtp";
  auto settings = fixture.load();
  REQUIRE(settings);
  CHECK((*settings)->get(param::syslog_name) == "postfix/relay");
  CHECK((*settings)->get(param::process_name) == "smtp");
  CHECK(parse_override("x").error().what == "missing '=' after attribute name");
  CHECK(parse_override("= x").error().what == "missing attribute name");
}

TEST_CASE("Users' own parameters have values too", "[config]") {
  Fixture fixture(
      "smtpd_restriction_classes = mua\n"
      "mua = permit_mynetworks $more\nmore = reject\n");
  auto settings = fixture.load();
  REQUIRE(settings);
  auto value = (*settings)->value("mua");
  REQUIRE(value);
  CHECK(**value == "permit_mynetworks reject");
  CHECK_FALSE(*(*settings)->value("none"));
  CHECK(*(*settings)->expand("$mua at $mydomain") ==
        "permit_mynetworks reject at example.org");
}

TEST_CASE("Delivery services have their own limits", "[config]") {
  Fixture fixture(
      "default_destination_concurrency_limit = 7\n"
      "slow_destination_concurrency_limit = 1\n"
      "slow_destination_rate_delay = 2m\n"
      "bad_destination_recipient_limit = x\n"
      "maildrop_time_limit = 1h\n");
  auto settings = fixture.load();
  REQUIRE(settings);
  const Settings& s = **settings;
  using enum TransportInt;
  CHECK(*s.transport("slow", destination_concurrency_limit) == 1);
  CHECK(*s.transport("smtp", destination_concurrency_limit) == 7);
  CHECK(*s.transport("local", destination_concurrency_limit) == 2);
  CHECK(*s.transport("smtp", initial_destination_concurrency) == 5);
  CHECK(*s.transport("slow", TransportTime::destination_rate_delay) == 2min);
  CHECK(*s.transport("maildrop", TransportTime::time_limit) == 1h);
  CHECK(*s.transport("uucp", TransportTime::time_limit) == 1000s);
  CHECK(s.transport("bad", destination_recipient_limit).error().what ==
        "bad numerical configuration: bad_destination_recipient_limit = x");
}

TEST_CASE("smtp and lmtp read their own of each pair", "[config]") {
  Fixture fixture("lmtp_lhlo_name = l\nsmtp_helo_name = s\n");
  auto settings = fixture.load();
  REQUIRE(settings);
  const Settings& s = **settings;
  CHECK(s.get(param::client::helo_name, ClientMode::Smtp) == "s");
  CHECK(s.get(param::client::helo_name, ClientMode::Lmtp) == "l");
  CHECK(s.get(param::client::connect_timeout, ClientMode::Smtp) == 30s);
  CHECK(s.get(param::client::connect_timeout, ClientMode::Lmtp) == 0s);
}

TEST_CASE("What contradicts itself does not load", "[config]") {
  CHECK(Fixture("relayhost = MX.example.org\n").error() ==
        "myhostname and relayhost parameter settings must not be identical: "
        "mx.example.org");
  CHECK(Fixture("mail_owner = no-one\n").error() ==
        "file /etc/postfix/main.cf: parameter mail_owner: unknown user name "
        "value: no-one");
  CHECK(Fixture("default_privs = root\n").error() ==
        "file /etc/postfix/main.cf: parameter default_privs: user root has "
        "privileged user ID");
  CHECK(Fixture("default_privs = postfix\n").error() ==
        "users postfix and postfix have the same user ID: 100");
  Fixture rootless("mail_owner = no-one\n");
  rootless.args.check_accounts = false;
  CHECK(rootless.load());
}

}  // namespace mail::config
