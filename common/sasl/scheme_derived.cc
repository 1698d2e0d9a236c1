// PBKDF2, SCRAM (RFC 5802) and OTP (RFC 2289): iterated digests.
#include <fmt/format.h>

#include <optional>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/number.h"
#include "common/crypto/digest.h"
#include "common/crypto/legacy.h"
#include "common/crypto/random.h"
#include "common/crypto/secret.h"
#include "common/sasl/scheme.h"
#include "common/sasl/scram.h"

namespace mail::sasl::schemes {

namespace {

constexpr unsigned kPbkdf2Rounds = 5000, kOtpCount = 1024;
constexpr unsigned kMaxRounds = 10'000'000;
constexpr std::string_view kSaltLetters =
    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::string readable_salt(size_t size) {
  std::string out = crypto::random_bytes(size);
  for (char& c : out) c = kSaltLetters[static_cast<unsigned char>(c) % 64];
  return out;
}

/// RFC 2289, 6 and appendix A: a digest folded to 64 bits.
std::optional<std::string> otp_fold(std::string_view algorithm,
                                    std::string_view bytes) {
  std::string raw;
  if (iequals(algorithm, "md4")) {
    raw = crypto::md4(bytes);
  } else if (iequals(algorithm, "md5")) {
    raw = crypto::digest(crypto::Hash::Md5, bytes);
  } else if (iequals(algorithm, "sha1")) {
    raw = crypto::digest(crypto::Hash::Sha1, bytes);
    for (size_t i = 0; i < 4; ++i) {
      raw[i] = static_cast<char>(raw[i] ^ raw[8 + i] ^ raw[16 + i]);
    }
    for (size_t i = 4; i < 8; ++i) {
      raw[i] = static_cast<char>(raw[i] ^ raw[8 + i]);
    }
    // The standard wants SHA's words with their least byte first.
    for (size_t i = 0; i < 8; i += 4) {
      std::swap(raw[i], raw[i + 3]);
      std::swap(raw[i + 1], raw[i + 2]);
    }
    return raw.substr(0, 8);
  } else {
    return std::nullopt;
  }
  for (size_t i = 0; i < 8; ++i) {
    raw[i] = static_cast<char>(raw[i] ^ raw[8 + i]);
  }
  return raw.substr(0, 8);
}

std::optional<std::string> otp(std::string_view algorithm,
                               std::string_view seed,
                               std::string_view plaintext, unsigned count) {
  std::string first = lower(seed);
  first += plaintext;
  auto state = otp_fold(algorithm, first);
  crypto::wipe(first);
  for (unsigned i = 0; state && i < count; ++i) {
    state = otp_fold(algorithm, *state);
  }
  return state;
}

}  // namespace

Result<std::string> make_pbkdf2(const Scheme&, std::string_view plaintext,
                                const HashOptions& options) {
  unsigned rounds = options.rounds ? options.rounds : kPbkdf2Rounds;
  std::string salt = readable_salt(16);
  return fmt::format("$1${}${}${}", salt, rounds,
                     crypto::hex(crypto::pbkdf2(crypto::Hash::Sha1, plaintext,
                                                salt, rounds, 20)));
}

Result<bool> verify_pbkdf2(const Scheme&, std::string_view raw,
                           std::string_view plaintext, std::string_view) {
  auto pieces = split_exact(raw, '$');
  std::optional<unsigned> rounds;
  std::optional<std::string> wanted;
  if (pieces.size() == 5 && pieces[0].empty() && pieces[1] == "1") {
    rounds = parse_number<unsigned>(pieces[3]);
    wanted = crypto::unhex(pieces[4]);
  }
  if (!rounds || *rounds == 0 || *rounds > kMaxRounds || !wanted ||
      wanted->size() != 20) {
    return fail(Fault::Config, "Invalid PBKDF2 passdb entry prefix");
  }
  return crypto::equal_in_constant_time(
      *wanted,
      crypto::pbkdf2(crypto::Hash::Sha1, plaintext, pieces[2], *rounds, 20));
}

Result<std::string> make_scram(const Scheme& scheme, std::string_view plaintext,
                               const HashOptions& options) {
  auto hash = scram_hash(scheme.name);
  ScramSecrets secrets =
      derive_scram(hash, plaintext, crypto::random_bytes(16),
                   options.rounds ? options.rounds : kScramIterations);
  return secrets.encode();
}

Result<bool> verify_scram(const Scheme& scheme, std::string_view raw,
                          std::string_view plaintext, std::string_view) {
  auto hash = scram_hash(scheme.name);
  auto wanted = ScramSecrets::parse(raw, hash);
  if (!wanted) {
    return fail(Fault::Config,
                fmt::format("Invalid {} passdb entry format", scheme.name));
  }
  ScramSecrets again =
      derive_scram(hash, plaintext, wanted->salt, wanted->iterations);
  return crypto::equal_in_constant_time(again.stored_key, wanted->stored_key);
}

Result<std::string> make_otp(const Scheme&, std::string_view plaintext,
                             const HashOptions& options) {
  unsigned count = options.rounds ? options.rounds : kOtpCount;
  std::string seed = crypto::hex(crypto::random_bytes(8));
  auto hash = otp("sha1", seed, plaintext, count);
  return fmt::format("sha1 {} {} {}", count, seed, crypto::hex(*hash));
}

Result<bool> verify_otp(const Scheme&, std::string_view raw,
                        std::string_view plaintext, std::string_view) {
  auto pieces = split(raw, " ");
  auto count =
      pieces.size() == 4 ? parse_number<unsigned>(pieces[1]) : std::nullopt;
  auto wanted = pieces.size() == 4 ? crypto::unhex(pieces[3]) : std::nullopt;
  if (!count || *count > kMaxRounds || !wanted || wanted->size() != 8) {
    return fail(Fault::Config, "Invalid OTP data in passdb");
  }
  auto hash = otp(pieces[0], pieces[2], plaintext, *count);
  if (!hash) return fail(Fault::Config, "Invalid OTP data in passdb");
  return crypto::equal_in_constant_time(*wanted, *hash);
}

}  // namespace mail::sasl::schemes
