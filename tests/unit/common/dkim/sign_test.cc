#include "common/dkim/sign.h"

#include <catch2/catch.hpp>

#include "common/base/base64.h"
#include "common/dkim/header_choice.h"
#include "tests/unit/common/dkim/fixture.h"

namespace mail::dkim {

namespace {

constexpr char kMessage[] =
    "Received: by mx\n"
    "From: Alice <alice@example.com>\n"
    "To: bob@example.org,\n\tcarl@example.org\n"
    "Subject:  odd   blanks \t\n"
    "X-Mailer: none\n"
    "To: dora@example.org\n"
    "\n"
    "Hello  \n\n \t\nworld\n\n\n";

std::shared_ptr<const crypto::PrivateKey> rsa_key() {
  static auto key = std::make_shared<const crypto::PrivateKey>(
      *crypto::PrivateKey::generate_rsa(2048));
  return key;
}

std::shared_ptr<const crypto::PrivateKey> ed_key() {
  static auto key = std::make_shared<const crypto::PrivateKey>(
      crypto::PrivateKey::generate_ed25519());
  return key;
}

SigningPlan plan_for(const HeaderBlock& block) {
  SigningPlan plan;
  plan.domain = "example.com";
  plan.selector = "sel";
  plan.key = rsa_key();
  plan.created = 1600000000;
  plan.oversign = {"From"};
  HeaderChoice choice(nullptr, nullptr);
  for (size_t i = 0; i < block.fields().size(); ++i) {
    if (choice.signs(block.fields()[i].name)) plan.fields.push_back(i);
  }
  return plan;
}

std::string sign(const SigningPlan& plan, const Message& message,
                 std::optional<uint64_t> limit = std::nullopt) {
  BodyHasher body(plan.canon.body, hash_of(plan.algorithm), limit);
  body.update(message.body);
  std::string digest = body.finish();
  auto made = make_signature(plan, message.block, digest, body.size());
  REQUIRE(made);
  return *made;
}

/// The message with its signature, changed by nobody.
Message signed_message(const std::string& signature, std::string_view text) {
  return read_message("DKIM-Signature: " + signature + "\r\n" +
                      std::string(text));
}

Keys keys() {
  return {{"sel._domainkey.example.com",
           "v=DKIM1; k=rsa; p=" + base64_encode(rsa_key()->public_bytes())},
          {"ed._domainkey.example.com",
           "v=DKIM1; k=ed25519; p=" + base64_encode(ed_key()->public_bytes())}};
}

Status only_status(const Message& message, VerifyPolicy policy = {}) {
  auto checks = verify(message, keys(), policy);
  REQUIRE(checks.size() == 1);
  return checks[0].status;
}

}  // namespace

TEST_CASE("what is signed verifies, by every method and algorithm", "[dkim]") {
  std::string text = with_crlf(kMessage);
  Message message = read_message(text);
  for (Canon header : {Canon::Simple, Canon::Relaxed}) {
    for (Canon body : {Canon::Simple, Canon::Relaxed}) {
      for (auto algorithm : {Algorithm::RsaSha256, Algorithm::Ed25519Sha256}) {
        SigningPlan plan = plan_for(message.block);
        plan.canon = {header, body};
        plan.algorithm = algorithm;
        if (algorithm == Algorithm::Ed25519Sha256) {
          plan.key = ed_key();
          plan.selector = "ed";
        }
        plan.copy_headers = header == Canon::Simple;
        std::string value = sign(plan, message);
        INFO(value);
        CHECK(only_status(signed_message(value, text)) == Status::Good);
      }
    }
  }
}

TEST_CASE("the signature is laid out as OpenDKIM's", "[dkim]") {
  Message message = read_message(with_crlf(kMessage));
  SigningPlan plan = plan_for(message.block);
  plan.canon = {Canon::Relaxed, Canon::Simple};
  std::string value = sign(plan, message);
  CHECK(value.starts_with(
      "v=1; a=rsa-sha256; c=relaxed/simple; d=example.com; s=sel;\r\n"
      "\tt=1600000000; bh="));
  CHECK(value.find("\r\n\th=From:To:Subject:To:From;\r\n\tb=") !=
        std::string::npos);
  std::string data = value.substr(value.rfind("\tb=") + 3);
  auto lines = split(data, "\r\n\t ");
  REQUIRE(lines.size() == 6);
  CHECK(lines[0].size() == 65);
  CHECK(lines[1].size() == 66);
}

TEST_CASE("fields added to a signed name are noticed", "[dkim]") {
  std::string text = with_crlf(kMessage);
  Message message = read_message(text);
  std::string value = sign(plan_for(message.block), message);
  Message changed =
      signed_message(value, "From: mallory@example.com\r\n" + text);
  CHECK(only_status(changed) == Status::BadSignature);
}

TEST_CASE("text appended behind l= passes, but not a shorter body", "[dkim]") {
  std::string text = with_crlf(kMessage);
  Message message = read_message(text);
  SigningPlan plan = plan_for(message.block);
  plan.partial = true;
  std::string value = sign(plan, message, 10);
  CHECK(value.find("l=10;") != std::string::npos);
  CHECK(only_status(signed_message(value, text + "more\r\n")) == Status::Good);
  std::string head = text.substr(0, text.find("\r\n\r\n") + 4);
  CHECK(only_status(signed_message(value, head + "He\r\n")) ==
        Status::LengthTooLarge);
}

TEST_CASE("rsa-sha1 does not pass unless asked for (RFC 8301)", "[dkim]") {
  std::string text = with_crlf(kMessage);
  Message message = read_message(text);
  SigningPlan plan = plan_for(message.block);
  plan.algorithm = Algorithm::RsaSha1;
  Message done = signed_message(sign(plan, message), text);
  CHECK(only_status(done) == Status::Obsolete);
  CHECK(verdict_of(Status::Obsolete) == Verdict::Policy);
  VerifyPolicy lenient;
  lenient.accept_sha1 = true;
  CHECK(only_status(done, lenient) == Status::Good);
}

TEST_CASE("small keys and unsigned fields are judged by policy", "[dkim]") {
  std::string text = with_crlf(kMessage);
  Message message = read_message(text);
  Message done = signed_message(sign(plan_for(message.block), message), text);
  VerifyPolicy policy;
  policy.min_key_bits = 4096;
  CHECK(only_status(done, policy) == Status::KeyTooSmall);
  policy = {};
  policy.must_be_signed = {"X-Mailer"};
  CHECK(only_status(done, policy) == Status::Unprotected);
  policy.must_be_signed = {"Subject", "X-Absent"};
  CHECK(only_status(done, policy) == Status::Good);
}

TEST_CASE("only so many signatures are judged, trusted ones always", "[dkim]") {
  std::string text = with_crlf(kMessage);
  Message message = read_message(text);
  std::string field =
      "DKIM-Signature: " + sign(plan_for(message.block), message) + "\r\n";
  Message many = read_message(field + field + field + text);
  VerifyPolicy policy;
  policy.max_signatures = 2;
  auto checks = verify(many, keys(), policy);
  REQUIRE(checks.size() == 3);
  CHECK(checks[1].status == Status::Good);
  CHECK(checks[2].status == Status::Ignored);
  policy.trusted = [](std::string_view d) { return d == "example.com"; };
  CHECK(verify(many, keys(), policy)[2].status == Status::Good);
}

TEST_CASE("lists of names with * edit the default", "[dkim]") {
  std::vector<std::string> edits = {"*", "+X-*", "-subject"};
  HeaderChoice choice(&edits, nullptr);
  CHECK(choice.signs("X-Mailer"));
  CHECK_FALSE(choice.signs("Subject"));
  CHECK(choice.signs("TO"));
  std::vector<std::string> only = {"Date"}, omit = {"From"};
  HeaderChoice other(&only, &omit);
  CHECK(other.signs("date"));
  CHECK_FALSE(other.signs("To"));
  CHECK_FALSE(other.signs("From"));
}

}  // namespace mail::dkim
