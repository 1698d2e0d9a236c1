#include "common/sasl/server.h"

#include <catch2/catch.hpp>

#include "common/crypto/digest.h"
#include "common/sasl/client.h"
#include "common/sasl/digest_md5.h"
#include "common/sasl/password.h"
#include "common/sasl/scram.h"

using namespace mail;
using namespace std::string_literals;

namespace {

const sasl::ServerFacts kFacts{"mx.example.com", 1795531351, {}};

std::string refusal(const sasl::Event& event) {
  auto* refused = std::get_if<sasl::Refused>(&event);
  return refused ? refused->reason : "not refused";
}

/// Runs a client of ours against a server of ours; the stored password may
/// differ. Returns "ok" or why not.
std::string converse(std::string_view mechanism, const std::string& password,
                     const std::string& stored, std::string_view scheme) {
  sasl::ClientIdentity me;
  me.user = "ca=r,ol";
  me.password = password;
  me.service = "imap";
  me.hostname = "mx.example.com";
  auto client = sasl::make_client(mechanism, me);
  auto server = sasl::make_server(mechanism, kFacts);
  auto initial = client->initial();
  auto event = server->start(initial ? std::optional<std::string_view>(*initial)
                                     : std::nullopt);
  for (int step = 0; step < 8; ++step) {
    if (auto* challenge = std::get_if<sasl::Challenge>(&event)) {
      auto answer = client->respond(challenge->text);
      if (!answer) return answer.error().what;
      event = server->respond(*answer);
    } else if (auto* need = std::get_if<sasl::NeedCredentials>(&event)) {
      if (need->user != me.user) return "user " + need->user;
      auto raw =
          sasl::credentials_for(sasl::find_server_mechanism(mechanism)->scheme,
                                scheme, stored, need->user);
      if (!raw) return "no credentials";
      event = server->credentials(*raw);
    } else if (auto* check = std::get_if<sasl::CheckPassword>(&event)) {
      if (check->user != me.user) return "user " + check->user;
      return check->password.reveal() == stored ? "ok" : "mismatch";
    } else if (auto* accepted = std::get_if<sasl::Accepted>(&event)) {
      if (accepted->data.empty()) return client->satisfied() ? "ok" : "?";
      if (client->satisfied()) return "satisfied before the proof";
      auto last = client->respond(accepted->data);
      if (last && !client->satisfied()) return "not satisfied";
      return last ? "ok" : last.error().what;
    } else {
      return refusal(event);
    }
  }
  return "no end";
}

}  // namespace

TEST_CASE("each mechanism knows the right password from a wrong one",
          "[sasl]") {
  for (auto* name : {"PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1",
                     "SCRAM-SHA-256"}) {
    INFO(name);
    CHECK(converse(name, "pencil", "pencil", "PLAIN") == "ok");
    CHECK(converse(name, "pencil2", "pencil", "PLAIN") != "ok");
  }
  CHECK(converse("SCRAM-SHA-1", "pencil2", "pencil", "PLAIN") ==
        "Password mismatch");
}

TEST_CASE("RFC 2195's example", "[sasl]") {
  auto key = sasl::credentials_for("CRAM-MD5", "PLAIN", "tanstaaftanstaaf", "");
  CHECK(
      crypto::hex(crypto::hmac(crypto::Hash::Md5, "tanstaaftanstaaf",
                               "<1896.697170952@postoffice.reston.mci.net>")) ==
      "b913a602c7eda7a495b4e6e7334d3890");
  CHECK(key->size() == 32);
}

TEST_CASE("RFC 2831's example", "[sasl]") {
  sasl::DigestResponse r;
  r.nonce = "OA6MG9tEQGm2hh";
  r.cnonce = "OA6MHXh6VqTrRk";
  r.nonce_count = "00000001";
  r.qop = "auth";
  r.uri = "imap/elwood.innosoft.com";
  auto secret =
      crypto::digest(crypto::Hash::Md5, "chris:elwood.innosoft.com:secret");
  CHECK(sasl::digest_md5_value(secret, r, "AUTHENTICATE") ==
        "d388dad90d4bbd760a152321f2143af7");
  CHECK(sasl::digest_md5_value(secret, r, "") ==
        "ea40f60335c427b5527b84dbabcdfffd");
}

TEST_CASE("RFC 5802's and 7677's keys", "[sasl]") {
  auto secrets =
      sasl::derive_scram(crypto::Hash::Sha1, "pencil",
                         *crypto::unhex("4125c247e43ab1e93c6dff76"), 4096);
  std::string message =
      "n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
      "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,"
      "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j";
  CHECK(crypto::hex(
            crypto::hmac(crypto::Hash::Sha1, secrets.server_key, message)) ==
        "ae617da6a57c4bbb2e0286568dae1d251905b0a4");
}

TEST_CASE("the words for what a client does wrong", "[sasl]") {
  auto first = [](std::string_view mechanism, std::string_view text) {
    return refusal(sasl::make_server(mechanism, kFacts)->start(text));
  };
  CHECK(first("PLAIN", "") == "invalid input");
  CHECK(first("PLAIN", "\0carol\0p\0w"s) == "invalid input");
  CHECK(first("SCRAM-SHA-1", "garbage") ==
        "Invalid initial client message: Missing first ',' in GS2 header");
  CHECK(first("SCRAM-SHA-1", "p=tls-unique,,n=carol,r=abc") ==
        "Channel binding not supported");
  auto cram = sasl::make_server("CRAM-MD5", kFacts);
  auto challenge = std::get<sasl::Challenge>(cram->start(std::nullopt));
  CHECK(challenge.text.size() == "<>"s.size() + 16 + 1 + 10 + 1 + 14);
  CHECK(challenge.text.ends_with(".1795531351@mx.example.com>"));
  CHECK(refusal(cram->respond("xx")) == "missing digest");
  auto digest = sasl::make_server("DIGEST-MD5", kFacts);
  auto start = std::get<sasl::Challenge>(digest->start(std::nullopt));
  CHECK(start.text.starts_with("realm=\"\",nonce=\""));
  CHECK(start.text.ends_with(
      "==\",qop=\"auth\",charset=\"utf-8\",algorithm=\"md5-sess\""));
  CHECK(refusal(digest->respond("username=\"carol\",realm=foo")) ==
        "Missing nonce parameter");
  auto scram = sasl::make_server("SCRAM-SHA-1", kFacts);
  CHECK(std::holds_alternative<sasl::NeedCredentials>(
      scram->start("n,,n=gina,r=abc")));
  CHECK(std::holds_alternative<sasl::Challenge>(
      scram->credentials("4096,+4B1uWfVg+wUqXP/Z6RLyw==,"
                         "PUtjR249Cre0zuWsPfpc4WGZ/D8=,"
                         "8P41rymBJ+61uZD/6lfBEbK2OOI=")));
  CHECK(refusal(scram->respond("c=biws,r=abc,p=AAAA")) == "Wrong nonce");
}

TEST_CASE("PLAIN names another only if it is another", "[sasl]") {
  auto check = [](const std::string& text) {
    auto event = sasl::make_server("plain", kFacts)->start(text);
    return std::get<sasl::CheckPassword>(event).authzid;
  };
  CHECK(check("carol\0carol\0pw"s).empty());
  CHECK(check("\0carol\0pw"s).empty());
  CHECK(check("boss\0carol\0pw"s) == "boss");
}
