#include "common/sasl/client.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/number.h"
#include "common/crypto/digest.h"
#include "common/crypto/random.h"
#include "common/crypto/secret.h"
#include "common/sasl/digest_md5.h"
#include "common/sasl/scram.h"

namespace mail::sasl {

namespace {

constexpr unsigned kMaxAsked = 1'000'000;  // a server may not stall us

std::string make_client_nonce() {
  return base64_encode(crypto::random_bytes(18));
}

class Base : public Client {
 public:
  explicit Base(ClientIdentity identity) : me_(std::move(identity)) {}
  ~Base() override { crypto::wipe(me_.password); }

 protected:
  static Failure odd(std::string_view why) {
    return fail(Fault::Protocol, fmt::format("SASL: {}", why));
  }
  ClientIdentity me_;
};

/// Says one thing, then nothing.
class OneMessage : public Base {
 public:
  OneMessage(ClientIdentity identity, std::string message)
      : Base(std::move(identity)), message_(std::move(message)) {}
  ~OneMessage() override { crypto::wipe(message_); }
  std::optional<std::string> initial() override { return message_; }
  Result<std::string> respond(std::string_view) override { return message_; }

 private:
  std::string message_;
};

class LoginClient : public Base {
 public:
  using Base::Base;
  Result<std::string> respond(std::string_view) override {
    if (step_ > 1) return odd("one question too many");
    return step_++ == 0 ? me_.user : me_.password;
  }

 private:
  int step_ = 0;
};

class CramClient : public Base {
 public:
  using Base::Base;
  Result<std::string> respond(std::string_view challenge) override {
    return me_.user + " " +
           crypto::hex(
               crypto::hmac(crypto::Hash::Md5, me_.password, challenge));
  }
};

class DigestClient : public Base {
 public:
  using Base::Base;
  Result<std::string> respond(std::string_view challenge) override {
    if (!secret_.empty()) {  // rspauth
      if (challenge != "rspauth=" + digest_md5_value(secret_, response_, "")) {
        return odd("the server does not know the password");
      }
      proven_ = true;
      return std::string();
    }
    auto fields = parse_digest_fields(challenge);
    if (!fields) return odd("malformed digest challenge");
    for (const auto& field : *fields) {
      if (field.name == "nonce") response_.nonce = field.value;
      if (field.name == "realm" && response_.realm.empty())
        response_.realm = field.value;
    }
    if (response_.nonce.empty()) return odd("digest challenge without nonce");
    response_.user = me_.user;
    response_.cnonce = make_client_nonce();
    response_.nonce_count = "00000001";
    response_.qop = "auth";
    response_.uri = me_.service + "/" + me_.hostname;
    response_.authzid = me_.authzid;
    secret_ =
        crypto::digest(crypto::Hash::Md5,
                       me_.user + ":" + response_.realm + ":" + me_.password);
    return answer();
  }
  bool satisfied() const override { return proven_; }

 private:
  static std::string quoted(std::string_view text) {
    std::string out;
    for (char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out;
  }
  std::string answer() const {
    std::string out = fmt::format(
        "charset=utf-8,username=\"{}\",realm=\"{}\",nonce=\"{}\",nc={},"
        "cnonce=\"{}\",digest-uri=\"{}\",response={},qop=auth",
        quoted(me_.user), quoted(response_.realm), response_.nonce,
        response_.nonce_count, response_.cnonce, response_.uri,
        digest_md5_value(secret_, response_, "AUTHENTICATE"));
    if (!me_.authzid.empty()) {
      out += fmt::format(",authzid=\"{}\"", quoted(me_.authzid));
    }
    return out;
  }

  DigestResponse response_;
  std::string secret_;
  bool proven_ = false;
};

class ScramClient : public Base {
 public:
  ScramClient(ClientIdentity identity, crypto::Hash hash)
      : Base(std::move(identity)), hash_(hash), nonce_(make_client_nonce()) {}

  std::optional<std::string> initial() override {
    header_ = me_.authzid.empty()
                  ? "n,,"
                  : fmt::format("n,a={},", encode_scram_name(me_.authzid));
    first_ = fmt::format("n={},r={}", encode_scram_name(me_.user), nonce_);
    return header_ + first_;
  }

  Result<std::string> respond(std::string_view challenge) override {
    if (first_.empty()) return *initial();
    if (!signature_.empty()) {
      auto said = base64_decode(scram_attribute(challenge, 'v'));
      if (!said || !crypto::equal_in_constant_time(*said, signature_)) {
        return odd("the server does not know the password");
      }
      proven_ = true;
      return std::string();
    }
    std::string_view nonce = scram_attribute(challenge, 'r');
    auto salt = base64_decode(scram_attribute(challenge, 's'));
    auto rounds = parse_number<unsigned>(scram_attribute(challenge, 'i'));
    if (!nonce.starts_with(nonce_) || nonce.size() == nonce_.size() || !salt ||
        !rounds || *rounds == 0 || *rounds > kMaxAsked) {
      return odd("malformed SCRAM challenge");
    }
    std::string final = fmt::format("c={},r={}", base64_encode(header_), nonce);
    std::string message = first_ + "," + std::string(challenge) + "," + final;
    ScramSecrets secrets = derive_scram(hash_, me_.password, *salt, *rounds);
    std::string key = scram_client_key(hash_, me_.password, *salt, *rounds);
    std::string proof =
        exclusive_or(key, crypto::hmac(hash_, secrets.stored_key, message));
    signature_ = crypto::hmac(hash_, secrets.server_key, message);
    return final + ",p=" + base64_encode(proof);
  }
  bool satisfied() const override { return proven_; }

 private:
  crypto::Hash hash_;
  std::string nonce_, header_, first_, signature_;
  bool proven_ = false;
};

}  // namespace

std::unique_ptr<Client> make_client(std::string_view mechanism,
                                    ClientIdentity identity) {
  if (iequals(mechanism, "PLAIN")) {
    std::string message =
        identity.authzid + '\0' + identity.user + '\0' + identity.password;
    return std::make_unique<OneMessage>(std::move(identity),
                                        std::move(message));
  }
  if (iequals(mechanism, "EXTERNAL")) {
    std::string message = identity.authzid;
    return std::make_unique<OneMessage>(std::move(identity),
                                        std::move(message));
  }
  if (iequals(mechanism, "ANONYMOUS")) {
    std::string message = identity.user;
    return std::make_unique<OneMessage>(std::move(identity),
                                        std::move(message));
  }
  if (iequals(mechanism, "LOGIN"))
    return std::make_unique<LoginClient>(std::move(identity));
  if (iequals(mechanism, "CRAM-MD5"))
    return std::make_unique<CramClient>(std::move(identity));
  if (iequals(mechanism, "DIGEST-MD5"))
    return std::make_unique<DigestClient>(std::move(identity));
  if (iequals(mechanism, "SCRAM-SHA-1") ||
      iequals(mechanism, "SCRAM-SHA-256")) {
    return std::make_unique<ScramClient>(std::move(identity),
                                         scram_hash(mechanism));
  }
  return nullptr;
}

}  // namespace mail::sasl
