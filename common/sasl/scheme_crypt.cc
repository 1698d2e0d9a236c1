// Schemes of crypt(3), and Argon2: meant to be slow. The only user of libcrypt
// and libargon2.
#include <argon2.h>
#include <crypt.h>
#include <fmt/format.h>

#include <cerrno>
#include <memory>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/handle.h"
#include "common/crypto/digest.h"
#include "common/crypto/random.h"
#include "common/crypto/secret.h"
#include "common/sasl/scheme.h"

namespace mail::sasl::schemes {

namespace {

/// crypt(3)'s data is 32 KiB of possible secrets.
struct CryptData {
  crypt_data data{};
  ~CryptData() { explicit_bzero(&data, sizeof(data)); }
};

/// nullopt: `setting` is none that crypt(3) knows.
std::optional<std::string> run_crypt(std::string_view plaintext,
                                     std::string_view setting) {
  auto scratch = std::make_unique<CryptData>();
  std::string phrase(plaintext), how(setting);
  const char* out = crypt_r(phrase.c_str(), how.c_str(), &scratch->data);
  crypto::wipe(phrase);
  if (!out || out[0] == '*') return std::nullopt;
  return std::string(out);
}

struct CryptKind {
  std::string_view scheme, prefix;
  unsigned long rounds, low, high;  // rounds 0: not said in the result
};
constexpr CryptKind kKinds[] = {
    {"CRYPT", "$2y$", 5, 4, 31},
    {"BLF-CRYPT", "$2y$", 5, 4, 31},
    {"DES-CRYPT", "", 0, 0, 0},
    {"MD5-CRYPT", "$1$", 0, 0, 0},
    {"MD5", "$1$", 0, 0, 0},
    {"SHA256-CRYPT", "$5$", 0, 1000, 999999999},
    {"SHA512-CRYPT", "$6$", 0, 1000, 999999999},
};

struct Argon2Kind {
  std::string_view scheme;
  argon2_type type;
  uint32_t passes, kibibytes;
};
constexpr Argon2Kind kArgon2Kinds[] = {{"ARGON2I", Argon2_i, 4, 32768},
                                       {"ARGON2ID", Argon2_id, 3, 65536}};
constexpr size_t kArgon2Salt = 16, kArgon2Hash = 32;

const Argon2Kind& argon2_kind(const Scheme& scheme) {
  return scheme.name == kArgon2Kinds[0].scheme ? kArgon2Kinds[0]
                                               : kArgon2Kinds[1];
}

}  // namespace

Result<std::string> make_crypt(const Scheme& scheme, std::string_view plaintext,
                               const HashOptions& options) {
  for (const auto& kind : kKinds) {
    if (kind.scheme != scheme.name) continue;
    unsigned long rounds = options.rounds ? options.rounds : kind.rounds;
    if (options.rounds && kind.high != 0) {
      rounds = std::clamp(rounds, kind.low, kind.high);
    }
    if (kind.high == 0) rounds = 0;
    std::string prefix(kind.prefix), random = crypto::random_bytes(16);
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (!crypt_gensalt_rn(prefix.c_str(), rounds, random.data(),
                          static_cast<int>(random.size()), setting,
                          sizeof(setting))) {
      return fail_errno("crypt_gensalt", errno);
    }
    auto out = run_crypt(plaintext, setting);
    if (!out) return fail(Fault::Config, "crypt() refuses its own setting");
    return std::move(*out);
  }
  return fail(Fault::Config, "Unknown scheme");
}

Result<bool> verify_crypt(const Scheme&, std::string_view raw,
                          std::string_view plaintext, std::string_view) {
  if (raw.empty()) return false;
  auto again = run_crypt(plaintext, raw);
  if (!again) return false;  // no setting that crypt(3) knows
  return crypto::equal_in_constant_time(raw, *again);
}

/// "$1$...", or a bare MD5 of older times.
Result<bool> verify_md5(const Scheme& scheme, std::string_view raw,
                        std::string_view plaintext, std::string_view user) {
  if (raw.starts_with("$1$")) return verify_crypt(scheme, raw, plaintext, user);
  auto decoded = TRY(decode_stored("PLAIN-MD5", raw));
  return crypto::equal_in_constant_time(
      decoded, crypto::digest(crypto::Hash::Md5, plaintext));
}

Result<std::string> make_argon2(const Scheme& scheme,
                                std::string_view plaintext,
                                const HashOptions& options) {
  const Argon2Kind& kind = argon2_kind(scheme);
  uint32_t passes = std::max(options.rounds, kind.passes);
  std::string salt = crypto::random_bytes(kArgon2Salt);
  std::string out(argon2_encodedlen(passes, kind.kibibytes, 1, kArgon2Salt,
                                    kArgon2Hash, kind.type),
                  '\0');
  int status =
      argon2_hash(passes, kind.kibibytes, 1, plaintext.data(), plaintext.size(),
                  salt.data(), salt.size(), nullptr, kArgon2Hash, out.data(),
                  out.size(), kind.type, ARGON2_VERSION_13);
  if (status != ARGON2_OK) {
    return fail(Fault::Config, argon2_error_message(status));
  }
  out.resize(out.find('\0'));
  return out;
}

Result<bool> verify_argon2(const Scheme&, std::string_view raw,
                           std::string_view plaintext, std::string_view) {
  argon2_type type = raw.starts_with("$argon2id$") ? Argon2_id : Argon2_i;
  std::string encoded(raw);
  int status =
      argon2_verify(encoded.c_str(), plaintext.data(), plaintext.size(), type);
  if (status == ARGON2_OK) return true;
  // Room is the machine's trouble, not the password's.
  if (status == ARGON2_MEMORY_ALLOCATION_ERROR) {
    return fail(Fault::Temporary, argon2_error_message(status));
  }
  return false;
}

}  // namespace mail::sasl::schemes
