// CRAM-MD5 (RFC 2195).
#include <fmt/format.h>

#include "common/crypto/digest.h"
#include "common/crypto/legacy.h"
#include "common/crypto/random.h"
#include "common/sasl/server_mechanisms.h"

namespace mail::sasl {

namespace {

class CramMd5 : public Server {
 public:
  explicit CramMd5(const ServerFacts& facts)
      : challenge_(fmt::format(
            "<{:08}{:08}.{}@{}>", crypto::random_below(100000000),
            crypto::random_below(100000000), facts.now, facts.hostname)) {}

  Event start(std::optional<std::string_view>) override {
    return Challenge{.text = challenge_};
  }
  Event respond(std::string_view response) override {
    size_t space = response.rfind(' ');
    if (space == std::string_view::npos) return Refused{"missing digest"};
    response_ = response.substr(space + 1);
    return NeedCredentials{std::string(response.substr(0, space)), ""};
  }
  /// The outer, then the inner state of HMAC-MD5.
  Event credentials(std::string_view raw) override {
    if (raw.size() != 32) return Refused{"invalid credentials length"};
    std::string inner = crypto::md5_from_state(raw.substr(16), challenge_);
    std::string digest = crypto::md5_from_state(raw.substr(0, 16), inner);
    if (!crypto::equal_in_constant_time(crypto::hex(digest), response_)) {
      return Refused{"Password mismatch"};
    }
    return Accepted{};
  }

 private:
  std::string challenge_, response_;
};

}  // namespace

std::unique_ptr<Server> make_cram_md5_server(const ServerFacts& facts) {
  return std::make_unique<CramMd5>(facts);
}

}  // namespace mail::sasl
