// SCRAM-SHA-1 (RFC 5802) and SCRAM-SHA-256 (RFC 7677), without channel binding.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/crypto/random.h"
#include "common/sasl/scram.h"
#include "common/sasl/server_mechanisms.h"

namespace mail::sasl {

namespace {

constexpr size_t kNonceSize = 64;

/// Printable ASCII but the comma.
std::string make_nonce() {
  std::string out;
  for (size_t i = 0; i < kNonceSize; ++i) {
    char c = static_cast<char>('!' + crypto::random_below(93));
    out += c >= ',' ? static_cast<char>(c + 1) : c;
  }
  return out;
}

class Scram : public Server {
 public:
  explicit Scram(const Traits& traits) : hash_(scram_hash(traits.name)) {}

  Event start(std::optional<std::string_view> initial) override {
    if (initial) return respond(*initial);
    return Challenge{};
  }
  Event respond(std::string_view response) override {
    return nonce_.empty() ? take_first(response) : take_final(response);
  }
  Event credentials(std::string_view raw) override {
    auto secrets = ScramSecrets::parse(raw, hash_);
    if (!secrets) return Refused{secrets.error().what};
    secrets_ = std::move(*secrets);
    server_first_ =
        fmt::format("r={},s={},i={}", nonce_, base64_encode(secrets_.salt),
                    secrets_.iterations);
    return Challenge{.text = server_first_};
  }

 private:
  static Refused invalid(std::string_view why) {
    return Refused{fmt::format("Invalid initial client message: {}", why)};
  }

  Event take_first(std::string_view text) {
    size_t flag_end = text.find(',');
    if (flag_end == std::string_view::npos) {
      return invalid("Missing first ',' in GS2 header");
    }
    size_t header_end = text.find(',', flag_end + 1);
    if (header_end == std::string_view::npos) {
      return invalid("Missing second ',' in GS2 header");
    }
    std::string_view flag = text.substr(0, flag_end);
    if (flag.starts_with("p=")) return Refused{"Channel binding not supported"};
    if (flag != "n" && flag != "y") return invalid("Invalid GS2 header");
    std::string_view authzid =
        text.substr(flag_end + 1, header_end - flag_end - 1);
    header_ = text.substr(0, header_end + 1);
    client_first_ = text.substr(header_end + 1);
    if (client_first_.starts_with("m=")) {
      return Refused{"Mandatory extension(s) not supported"};
    }
    if (!client_first_.starts_with("n=")) {
      return invalid("Invalid username field");
    }
    auto user = decode_scram_name(scram_attribute(client_first_, 'n'));
    if (!user) return invalid("Username contains forbidden character(s)");
    std::string_view nonce = scram_attribute(client_first_, 'r');
    if (nonce.empty()) return invalid("Invalid client nonce");
    nonce_ = std::string(nonce) + make_nonce();
    NeedCredentials out;
    out.user = std::move(*user);
    if (!authzid.empty()) {
      auto name = authzid.starts_with("a=")
                      ? decode_scram_name(authzid.substr(2))
                      : std::nullopt;
      if (!name) return invalid("Invalid authzid field");
      if (*name != out.user) out.authzid = std::move(*name);
    }
    return out;
  }

  Event take_final(std::string_view text) {
    size_t proof_at = text.rfind(",p=");
    if (proof_at == std::string_view::npos || !text.starts_with("c=")) {
      return Refused{"Invalid final client message"};
    }
    std::string_view without_proof = text.substr(0, proof_at);
    if (scram_attribute(without_proof, 'c') != base64_encode(header_)) {
      return Refused{"Invalid channel binding data"};
    }
    if (!crypto::equal_in_constant_time(scram_attribute(without_proof, 'r'),
                                        nonce_)) {
      return Refused{"Wrong nonce"};
    }
    auto proof = base64_decode(text.substr(proof_at + 3));
    if (!proof || proof->size() != crypto::digest_size(hash_)) {
      return Refused{"Invalid base64 encoding"};
    }
    std::string message =
        client_first_ + "," + server_first_ + "," + std::string(without_proof);
    std::string client_key =
        exclusive_or(*proof, crypto::hmac(hash_, secrets_.stored_key, message));
    if (!crypto::equal_in_constant_time(crypto::digest(hash_, client_key),
                                        secrets_.stored_key)) {
      return Refused{"Password mismatch"};
    }
    return Accepted{"v=" + base64_encode(crypto::hmac(
                               hash_, secrets_.server_key, message))};
  }

  crypto::Hash hash_;
  std::string header_, client_first_, server_first_, nonce_;
  ScramSecrets secrets_;
};

}  // namespace

std::unique_ptr<Server> make_scram_server(const Traits& traits) {
  return std::make_unique<Scram>(traits);
}

}  // namespace mail::sasl
