#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace mail::sasl {

// Stored passwords as Dovecot 2.3 writes them: "{SCHEME}data" or
// "{SCHEME.HEX}data" (.HEX, .B64, .BASE64 say how the data is written down).
// `raw` below is the data without that coding: bytes of a digest and salt for
// digests, the text itself for crypt(3)'s and for those that are text anyway.

/// "{SSHA.HEX}0a1b": scheme "SSHA.HEX", data "0a1b". Without braces in front
/// both views are of `text`: scheme empty, data all ("$1$..." is MD5-CRYPT's).
struct StoredPassword {
  std::string_view scheme, data;
};
StoredPassword split_stored(std::string_view text);

/// All schemes, as `doveadm pw -l` names them.
std::vector<std::string_view> scheme_names();
/// Any case, with or without a coding suffix.
bool is_scheme(std::string_view scheme);
/// The data is the password itself (PLAIN, CLEAR, CLEARTEXT).
bool is_plaintext(std::string_view scheme);
/// Verifying takes milliseconds and is meant to (crypt, Argon2, PBKDF2): not
/// for an event loop.
bool is_slow(std::string_view scheme);
/// The same data under another name: SHA and SHA1, HMAC-MD5 and CRAM-MD5.
bool is_alias(std::string_view scheme, std::string_view other);

/// Undoes the coding. Errors: Config "Unknown scheme X", or what is wrong with
/// the data.
Result<std::string> decode_stored(std::string_view scheme,
                                  std::string_view data);

/// Whether `plaintext` is the password. user: "user@realm", for DIGEST-MD5.
/// Errors: Config, the data is not valid for the scheme.
Result<bool> verify_password(std::string_view scheme, std::string_view raw,
                             std::string_view plaintext, std::string_view user);

struct HashOptions {
  std::string user;     ///< DIGEST-MD5's "user@realm"
  unsigned rounds = 0;  ///< -r: cost; 0: the scheme's own
};
/// A new stored form, coded, without "{SCHEME}" in front.
/// Errors: Config "Unknown scheme X"; rounds that the scheme does not have.
Result<std::string> hash_password(std::string_view scheme,
                                  std::string_view plaintext,
                                  const HashOptions& options);

/// What a mechanism needs (`wanted`: "CRAM-MD5", "SCRAM-SHA-1", "PLAIN"...)
/// from what is stored: the same scheme's data, or made from the plaintext.
/// nullopt: it cannot be made from that scheme.
std::optional<std::string> credentials_for(std::string_view wanted,
                                           std::string_view scheme,
                                           std::string_view raw,
                                           std::string_view user);

}  // namespace mail::sasl
