#include <catch2/catch.hpp>

#include "common/base/base64.h"
#include "tests/unit/dkim-milter/fixture.h"

namespace mail::dkim_milter {

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// A filter with one key, and the messages it is given.
class Site {
 public:
  explicit Site(const std::string& more = "", Scratch* scratch = nullptr) {
    Scratch own;
    Scratch& place = scratch ? *scratch : own;
    std::string key = place.write("key", rsa_pem());
    auto parsed = *crypto::PrivateKey::parse(rsa_pem());
    std::string keys =
        place.write("keys", "sel._domainkey.example.com v=DKIM1; p=" +
                                base64_encode(parsed.public_bytes()) + "\n");
    auto loaded =
        load("Domain example.com\nSelector sel\nKeyFile " + key +
             "\nOversignHeaders From\nTestPublicKeys " + keys + "\n" + more);
    REQUIRE(loaded);
    context_.settings = loaded->settings;
    context_.key_source = *make_key_source(*loaded->settings);
    client_.host = "client.test";
    client_.address = net::IpAddress::parse("192.0.2.7");
  }

  Reply give(const Fields& fields, std::string_view body = "hello\r\n") {
    mta = FakeMta();
    mta.macros.insert(macros.begin(), macros.end());
    Origin origin = place_client(*context_.settings, client_);
    Transaction message(context_, origin, mta);
    message.rcpt("<bob@example.org>");
    for (const auto& [name, value] : fields) message.header(name, value);
    message.end_of_headers();
    if (!body.empty()) {
      Reply reply = message.body(body);
      if (reply != Reply::Continue && reply != Reply::Skip) return reply;
    }
    return message.end_of_message();
  }

  void inside() { client_.address = net::IpAddress::parse("127.0.0.1"); }
  std::string result() const {
    return mta.inserted.empty() ? "" : mta.inserted[0].second;
  }
  std::string name() const {
    return mta.inserted.empty() ? "" : mta.inserted[0].first;
  }

  FakeMta mta;
  std::map<std::string, std::string> macros;

 private:
  Context context_;
  Client client_;
};

const Fields kMessage = {{"From", " Alice <alice@example.com>"},
                         {"To", " bob@example.org"},
                         {"Subject", " x"}};

Fields with(std::pair<std::string, std::string> field,
            const Fields& fields = kMessage) {
  Fields out{std::move(field)};
  out.insert(out.end(), fields.begin(), fields.end());
  return out;
}

Fields signed_message() {
  Site site;
  site.inside();
  REQUIRE(site.give(kMessage) == Reply::Accept);
  REQUIRE(site.name() == "DKIM-Signature");
  return with({"DKIM-Signature", " " + site.result()});
}

}  // namespace

TEST_CASE("mail from inside is signed, from outside verified", "[opendkim]") {
  Fields message = signed_message();
  Site site;
  CHECK(site.give(message) == Reply::Accept);
  CHECK(site.name() == "Authentication-Results");
  CHECK(site.result().starts_with(
      "mx.test;\n\tdkim=pass (1024-bit key) header.d=example.com "
      "header.i=@example.com header.a=rsa-sha256 header.s=sel header.b="));
  CHECK(site.result().ends_with(";\n\tdkim-atps=neutral"));
}

TEST_CASE("a user who has authenticated is inside", "[opendkim]") {
  Site site;
  site.macros["{auth_type}"] = "PLAIN";
  CHECK(site.give(kMessage) == Reply::Accept);
  CHECK(site.name() == "DKIM-Signature");
}

TEST_CASE("host sets know names, suffixes, networks and !", "[opendkim]") {
  auto set = maps::DataSet::of(
      {"10.0.0.0/8", "!10.1.0.0/16", ".example.net", "h.test", "2001:db8::/32"},
      maps::DataSet::Case::Fold);
  auto holds = [&](const char* host, const char* address) {
    return holds_client(set, {host, net::IpAddress::parse(address)});
  };
  CHECK(holds("x", "10.2.3.4"));
  CHECK_FALSE(holds("x", "10.1.3.4"));
  CHECK(holds("A.Example.NET", "192.0.2.1"));
  CHECK_FALSE(holds("example.net", "192.0.2.1"));
  CHECK(holds("h.test", "192.0.2.1"));
  CHECK(holds("x", "2001:db8::7"));
  CHECK_FALSE(holds("[192.0.2.1]", "192.0.2.1"));
}

TEST_CASE("results that are not ours to say are removed", "[opendkim]") {
  Site site;
  Fields fields = kMessage;
  for (std::string value :
       {" mx.test; dkim=pass", " other; dkim=pass", " MX.test; spf=pass",
        " mx.test/4Q; x=y; dkim=fail (a;b)", " sub.mx.test; dkim=pass",
        " mx.test 1; dkim=pass", " mx.test; dkim=\"open", " mx.test; none"}) {
    fields.push_back({"Authentication-Results", value});
  }
  CHECK(site.give(fields) == Reply::Accept);
  CHECK(site.mta.deleted == std::vector<int>{7, 6, 4, 1});
  Site kept("KeepAuthResults yes\n");
  kept.give(fields);
  CHECK(kept.mta.deleted.empty());
}

TEST_CASE("bad signatures are answered as the file asks", "[opendkim]") {
  Fields changed = signed_message();
  changed.back().second = " y";
  Site lenient;
  CHECK(lenient.give(changed) == Reply::Accept);
  CHECK(lenient.result().find(
            "dkim=fail reason=\"signature verification failed\" (1024-bit "
            "key) header.d=example.com") != std::string::npos);
  Site strict("On-BadSignature reject\n");
  CHECK(strict.give(changed) == Reply::Reject);
  CHECK(strict.mta.reply == "550 5.7.0 bad DKIM signature data");
  Fields unknown = signed_message();
  unknown[0].second.replace(unknown[0].second.find("s=sel"), 5, "s=nil");
  Site refuse("On-KeyNotFound tempfail\n");
  CHECK(refuse.give(unknown) == Reply::Tempfail);
  CHECK(refuse.mta.reply == "451 4.7.5 DKIM key retrieval failed");
  Site unsigned_mail("On-NoSignature reject\n");
  CHECK(unsigned_mail.give(kMessage) == Reply::Reject);
  CHECK(unsigned_mail.mta.reply == "550 5.7.0 no DKIM signature data");
}

TEST_CASE("a malformed signature spoils nothing else", "[opendkim]") {
  Site site;
  CHECK(site.give(with({"DKIM-Signature", " v=1 junk"}, signed_message())) ==
        Reply::Accept);
  CHECK(site.result().find("dkim=permerror (bad message/signature format)") !=
        std::string::npos);
  CHECK(site.result().find("dkim=pass") != std::string::npos);
  Site sender;
  sender.inside();
  sender.give(with({"DKIM-Signature", " v=1 junk"}));
  CHECK(sender.name() == "DKIM-Signature");
}

TEST_CASE("no usable sender: a field says so, the mail passes", "[opendkim]") {
  for (std::string from : {"", " ", " Alice", " <>", " @", ";;"}) {
    Site site;
    CHECK(site.give({{"From", from}, {"To", " x@y"}}) == Reply::Accept);
    CHECK(site.result() ==
          "mx.test; dkim=permerror (bad message/signature format)");
  }
  Site quiet("IgnoreMalformedMail yes\n");
  CHECK(quiet.give({{"To", " x@y"}}) == Reply::Accept);
  CHECK(quiet.mta.inserted.empty());
}

TEST_CASE("header blocks have a limit, and rules if wanted", "[opendkim]") {
  Site site("MaximumHeaders 200\nOn-Security reject\n");
  CHECK(site.give(with({"X", std::string(300, 'x')})) == Reply::Reject);
  Site rules("RequiredHeaders yes\n");
  CHECK(rules.give(with({"Subject", " y"})) == Reply::Reject);
  CHECK(rules.mta.reply == "550 5.0.0 message has multiple Subject fields");
}

TEST_CASE("subdomains, exempt domains and recipients", "[opendkim]") {
  Fields sub = {{"From", " a@sub.example.com"}};
  Site plain, deep("SubDomains yes\n"), exempt("ExemptDomains example.com\n"),
      skip("DontSignMailTo bob@example.org\n");
  for (Site* site : {&plain, &deep, &exempt, &skip}) site->inside();
  plain.give(sub);
  CHECK(plain.mta.inserted.empty());
  deep.give(sub);
  CHECK(deep.result().find("d=example.com;") != std::string::npos);
  CHECK(exempt.give(kMessage) == Reply::Accept);
  CHECK(exempt.mta.inserted.empty());
  CHECK(skip.give(kMessage) == Reply::Accept);
  CHECK(skip.mta.inserted.empty());
}

TEST_CASE("several lines of a table sign, RSA beside Ed25519", "[opendkim]") {
  Scratch scratch;
  std::string rsa = scratch.write("rsa", rsa_pem());
  std::string ed =
      scratch.write("ed", crypto::PrivateKey::generate_ed25519().pem());
  std::string table =
      scratch.write("table", "*@example.com one\nalice@* two:%\n*@*.com one\n");
  auto loaded = load(
      "KeyTable csl:one=example.com:r:" + rsa + ",two=example.com:e:" + ed +
      "\nSigningTable refile:" + table + "\nMultipleSignatures yes\n");
  REQUIRE(loaded);
  Context context{loaded->settings, *make_key_source(*loaded->settings), 100};
  FakeMta mta;
  Origin origin = place_client(*loaded->settings, {"localhost", {}});
  Transaction message(context, origin, mta);
  for (const auto& [name, value] : kMessage) message.header(name, value);
  message.end_of_headers();
  CHECK(message.end_of_message() == Reply::Accept);
  REQUIRE(mta.inserted.size() == 2);
  CHECK(mta.inserted[0].second.find("a=ed25519-sha256") != std::string::npos);
  CHECK(mta.inserted[1].second.find("a=rsa-sha256") != std::string::npos);
}

}  // namespace mail::dkim_milter
