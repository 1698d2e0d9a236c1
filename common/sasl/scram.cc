#include "common/sasl/scram.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/number.h"

namespace mail::sasl {

namespace {
constexpr unsigned kMaxIterations = 10'000'000;
}

crypto::Hash scram_hash(std::string_view mechanism) {
  return iequals(mechanism, "SCRAM-SHA-256") ? crypto::Hash::Sha256
                                             : crypto::Hash::Sha1;
}

std::string ScramSecrets::encode() const {
  return fmt::format("{},{},{},{}", iterations, base64_encode(salt),
                     base64_encode(stored_key), base64_encode(server_key));
}

Result<ScramSecrets> ScramSecrets::parse(std::string_view text,
                                         crypto::Hash hash) {
  auto pieces = split_exact(text, ',');
  if (pieces.size() != 4) {
    return fail(Fault::Config, "Invalid SCRAM password format");
  }
  auto count = parse_number<unsigned>(pieces[0]);
  auto salt = base64_decode(pieces[1]), stored = base64_decode(pieces[2]),
       server = base64_decode(pieces[3]);
  size_t size = crypto::digest_size(hash);
  if (!count || *count == 0 || *count > kMaxIterations || !salt || !stored ||
      !server || stored->size() != size || server->size() != size) {
    return fail(Fault::Config, "Invalid SCRAM password format");
  }
  return ScramSecrets{*count, std::move(*salt), std::move(*stored),
                      std::move(*server)};
}

ScramSecrets derive_scram(crypto::Hash hash, std::string_view password,
                          std::string salt, unsigned iterations) {
  std::string salted = crypto::pbkdf2(hash, password, salt, iterations,
                                      crypto::digest_size(hash));
  ScramSecrets out;
  out.iterations = iterations;
  out.stored_key =
      crypto::digest(hash, crypto::hmac(hash, salted, "Client Key"));
  out.server_key = crypto::hmac(hash, salted, "Server Key");
  out.salt = std::move(salt);
  return out;
}

std::string scram_client_key(crypto::Hash hash, std::string_view password,
                             std::string_view salt, unsigned iterations) {
  std::string salted = crypto::pbkdf2(hash, password, salt, iterations,
                                      crypto::digest_size(hash));
  return crypto::hmac(hash, salted, "Client Key");
}

std::string encode_scram_name(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c == ',')
      out += "=2C";
    else if (c == '=')
      out += "=3D";
    else
      out += c;
  }
  return out;
}

std::optional<std::string> decode_scram_name(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out += text[i];
      continue;
    }
    std::string_view code = text.substr(i, 3);
    if (code == "=2C")
      out += ',';
    else if (code == "=3D")
      out += '=';
    else
      return std::nullopt;
    i += 2;
  }
  return out;
}

std::string_view scram_attribute(std::string_view message, char name) {
  for (std::string_view piece : split_exact(message, ',')) {
    if (piece.size() >= 2 && piece[0] == name && piece[1] == '=') {
      return piece.substr(2);
    }
  }
  return {};
}

std::string exclusive_or(std::string_view a, std::string_view b) {
  std::string out(a);
  for (size_t i = 0; i < out.size() && i < b.size(); ++i) {
    out[i] = static_cast<char>(out[i] ^ b[i]);
  }
  return out;
}

}  // namespace mail::sasl
