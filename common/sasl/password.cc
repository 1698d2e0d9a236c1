#include "common/sasl/password.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/crypto/digest.h"
#include "common/sasl/scheme.h"

namespace mail::sasl {

namespace {

using enum Scheme::Coding;
using namespace schemes;

constexpr Scheme kSchemes[] = {
    {"SHA1", Base64, 20, false, verify_digest, make_digest},
    {"SSHA512", Base64, 64, false, verify_salted, make_salted},
    {"SCRAM-SHA-256", None, 0, true, verify_scram, make_scram},
    {"BLF-CRYPT", None, 0, true, verify_crypt, make_crypt},
    {"PLAIN", None, 0, false, verify_plain, make_plain},
    {"HMAC-MD5", Hex, 32, false, verify_again, make_cram_md5},
    {"OTP", None, 0, true, verify_otp, make_otp},
    {"SHA512", Base64, 64, false, verify_digest, make_digest},
    {"SHA", Base64, 20, false, verify_digest, make_digest},
    {"DES-CRYPT", None, 0, true, verify_crypt, make_crypt},
    {"CRYPT", None, 0, true, verify_crypt, make_crypt},
    {"SSHA", Base64, 20, false, verify_salted, make_salted},
    {"MD5-CRYPT", None, 0, true, verify_md5, make_crypt},
    {"PLAIN-MD4", Hex, 16, false, verify_digest, make_digest},
    {"PLAIN-MD5", Hex, 16, false, verify_digest, make_digest},
    {"SCRAM-SHA-1", None, 0, true, verify_scram, make_scram},
    {"SHA512-CRYPT", None, 0, true, verify_crypt, make_crypt},
    {"CLEAR", None, 0, false, verify_plain, make_plain},
    {"CLEARTEXT", None, 0, false, verify_plain, make_plain},
    {"ARGON2I", None, 0, true, verify_argon2, make_argon2},
    {"ARGON2ID", None, 0, true, verify_argon2, make_argon2},
    {"SSHA256", Base64, 32, false, verify_salted, make_salted},
    {"MD5", None, 0, true, verify_md5, make_crypt},
    {"PBKDF2", None, 0, true, verify_pbkdf2, make_pbkdf2},
    {"SHA256", Base64, 32, false, verify_digest, make_digest},
    {"CRAM-MD5", Hex, 32, false, verify_again, make_cram_md5},
    {"PLAIN-TRUNC", None, 0, false, verify_truncated, make_plain},
    {"SHA256-CRYPT", None, 0, true, verify_crypt, make_crypt},
    {"SMD5", Base64, 16, false, verify_salted, make_salted},
    {"DIGEST-MD5", Hex, 16, false, verify_again, make_digest_md5},
    {"LDAP-MD5", Base64, 16, false, verify_digest, make_digest},
};

struct Named {
  const Scheme* scheme = nullptr;
  bool known_coding = true, said_coding = false;
  Scheme::Coding coding = None;
};

Named look_up(std::string_view name) {
  Named out;
  size_t dot = name.find('.');
  out.scheme = find_scheme(name.substr(0, dot));
  if (out.scheme) out.coding = out.scheme->coding;
  if (dot == std::string_view::npos) return out;
  std::string_view suffix = name.substr(dot + 1);
  out.said_coding = true;
  if (iequals(suffix, "HEX"))
    out.coding = Hex;
  else if (iequals(suffix, "B64") || iequals(suffix, "BASE64"))
    out.coding = Base64;
  else
    out.known_coding = false;
  return out;
}

Failure unknown(std::string_view scheme) {
  return fail(Fault::Config, fmt::format("Unknown scheme {}", scheme));
}

}  // namespace

const Scheme* find_scheme(std::string_view name) {
  for (const auto& scheme : kSchemes) {
    if (iequals(scheme.name, name)) return &scheme;
  }
  return nullptr;
}

StoredPassword split_stored(std::string_view text) {
  if (text.starts_with("$1$")) return {"MD5", text};
  size_t end = text.starts_with('{') ? text.find('}') : std::string_view::npos;
  if (end == std::string_view::npos) return {text.substr(0, 0), text};
  return {text.substr(1, end - 1), text.substr(end + 1)};
}

std::vector<std::string_view> scheme_names() {
  std::vector<std::string_view> out;
  for (const auto& scheme : kSchemes) out.push_back(scheme.name);
  return out;
}

bool is_scheme(std::string_view scheme) {
  Named named = look_up(scheme);
  return named.scheme && named.known_coding;
}

bool is_plaintext(std::string_view scheme) {
  Named named = look_up(scheme);
  return named.scheme && named.scheme->verify == verify_plain;
}

bool is_slow(std::string_view scheme) {
  Named named = look_up(scheme);
  return named.scheme && named.scheme->slow;
}

bool is_alias(std::string_view scheme, std::string_view other) {
  const Scheme *a = look_up(scheme).scheme, *b = look_up(other).scheme;
  return a && b && a->verify == b->verify && a->make == b->make &&
         a->coding == b->coding && a->digest_size == b->digest_size &&
         (a == b || a->verify == verify_again || a->verify == verify_plain ||
          a->digest_size == 20);
}

Result<std::string> decode_stored(std::string_view scheme,
                                  std::string_view data) {
  Named named = look_up(scheme);
  if (!named.scheme || !named.known_coding) return unknown(scheme);
  size_t size = named.scheme->digest_size;
  // Without a suffix the length says how a digest is written.
  if (!named.said_coding && size != 0 && named.coding != None) {
    named.coding =
        data.size() == size * 2 && crypto::unhex(data) ? Hex : Base64;
  }
  std::optional<std::string> raw;
  if (named.coding == None) {
    raw = std::string(data);
  } else if (named.coding == Hex) {
    raw = crypto::unhex(data);
    if (!raw) return fail(Fault::Config, "Input isn't valid HEX encoded data");
  } else {
    raw = base64_decode(data);
    if (!raw)
      return fail(Fault::Config, "Input isn't valid base64 encoded data");
  }
  bool salted = named.scheme->verify == verify_salted;
  if (size != 0 && !salted && raw->size() != size) {
    return fail(Fault::Config,
                fmt::format("Input length isn't valid (was {} instead of {})",
                            raw->size(), size));
  }
  return std::move(*raw);
}

Result<bool> verify_password(std::string_view scheme, std::string_view raw,
                             std::string_view plaintext,
                             std::string_view user) {
  Named named = look_up(scheme);
  if (!named.scheme) return unknown(scheme);
  return named.scheme->verify(*named.scheme, raw, plaintext, user);
}

Result<std::string> hash_password(std::string_view scheme,
                                  std::string_view plaintext,
                                  const HashOptions& options) {
  Named named = look_up(scheme);
  if (!named.scheme || !named.known_coding) return unknown(scheme);
  auto raw = TRY(named.scheme->make(*named.scheme, plaintext, options));
  if (named.coding == Hex) return crypto::hex(raw);
  if (named.coding == Base64) return base64_encode(raw);
  return raw;
}

std::optional<std::string> credentials_for(std::string_view wanted,
                                           std::string_view scheme,
                                           std::string_view raw,
                                           std::string_view user) {
  if (is_alias(wanted, scheme)) return std::string(raw);
  if (!is_plaintext(scheme)) return std::nullopt;
  Named named = look_up(wanted);
  if (!named.scheme) return std::nullopt;
  HashOptions options;
  options.user = user;
  auto made = named.scheme->make(*named.scheme, raw, options);
  if (!made) return std::nullopt;
  return std::move(*made);
}

}  // namespace mail::sasl
