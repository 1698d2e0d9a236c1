// DIGEST-MD5 (RFC 2831), qop "auth" alone.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/number.h"
#include "common/crypto/digest.h"
#include "common/crypto/random.h"
#include "common/sasl/digest_md5.h"
#include "common/sasl/server_mechanisms.h"

namespace mail::sasl {

namespace {

class DigestMd5 : public Server {
 public:
  explicit DigestMd5(const ServerFacts& facts)
      : realms_(facts.realms),
        nonce_(base64_encode(crypto::random_bytes(16))) {}

  Event start(std::optional<std::string_view>) override {
    std::string out;
    if (realms_.empty()) out = "realm=\"\",";
    for (const auto& realm : realms_)
      out += fmt::format("realm=\"{}\",", realm);
    out += fmt::format(
        "nonce=\"{}\",qop=\"auth\",charset=\"utf-8\","
        "algorithm=\"md5-sess\"",
        nonce_);
    return Challenge{.text = std::move(out)};
  }

  Event respond(std::string_view text) override {
    auto fields = parse_digest_fields(text);
    if (!fields) return Refused{"Invalid or missing parameters"};
    response_.qop = "auth";
    for (const auto& field : *fields) {
      std::string why = take(field);
      if (!why.empty()) return Refused{std::move(why)};
    }
    if (response_.nonce.empty()) return Refused{"Missing nonce parameter"};
    if (response_.cnonce.empty()) return Refused{"Missing cnonce parameter"};
    if (response_.user.empty()) return Refused{"Missing username parameter"};
    if (response_.nonce_count.empty()) response_.nonce_count = "00000001";
    NeedCredentials out;
    out.user = response_.user;
    if (!response_.realm.empty()) out.user += "@" + response_.realm;
    if (response_.authzid != response_.user) out.authzid = response_.authzid;
    return out;
  }

  Event credentials(std::string_view raw) override {
    if (raw.size() != 16) return Refused{"invalid credentials length"};
    std::string wanted = digest_md5_value(raw, response_, "AUTHENTICATE");
    if (!crypto::equal_in_constant_time(wanted, response_.response)) {
      return Refused{"Password mismatch"};
    }
    return Accepted{"rspauth=" + digest_md5_value(raw, response_, "")};
  }

 private:
  /// Why it cannot be, or "".
  std::string take(const DigestField& field) {
    const auto& [name, value] = field;
    if (name == "username") {
      if (value.empty()) return "empty username";
      response_.user = value;
    } else if (name == "realm") {
      bool known = realms_.empty() || value.empty();
      for (const auto& realm : realms_) known = known || realm == value;
      if (!known) return "Invalid realm";
      response_.realm = value;
    } else if (name == "nonce") {
      if (value != nonce_) return "Invalid nonce";
      response_.nonce = value;
    } else if (name == "cnonce") {
      response_.cnonce = value;
    } else if (name == "nc") {
      auto count = parse_number<unsigned>(value, 16);
      if (!count || *count != 1) return "re-auth not supported";
      response_.nonce_count = value;
    } else if (name == "qop") {
      if (!iequals(value, "auth")) return "qop value not supported";
      response_.qop = value;
    } else if (name == "digest-uri") {
      response_.uri = value;
    } else if (name == "response") {
      if (value.size() != 32) return "Invalid response value";
      response_.response = value;
    } else if (name == "authzid") {
      response_.authzid = value;
    }
    return "";  // maxbuf, charset, cipher, and what is yet to be invented
  }

  std::vector<std::string> realms_;
  std::string nonce_;
  DigestResponse response_;
};

}  // namespace

std::unique_ptr<Server> make_digest_md5_server(const ServerFacts& facts) {
  return std::make_unique<DigestMd5>(facts);
}

}  // namespace mail::sasl
