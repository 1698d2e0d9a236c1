#pragma once

#include "common/sasl/password.h"

namespace mail::sasl {

/// One password scheme: a row of the table in password.cc.
struct Scheme {
  enum class Coding { None, Hex, Base64 };
  using Verify = Result<bool> (*)(const Scheme&, std::string_view raw,
                                  std::string_view plaintext,
                                  std::string_view user);
  using Make = Result<std::string> (*)(const Scheme&,
                                       std::string_view plaintext,
                                       const HashOptions& options);
  std::string_view name;
  Coding coding;
  size_t digest_size;  ///< of raw, 0: any; salted: at least
  bool slow;
  Verify verify;
  Make make;
};

/// By name without suffix, any case; nullptr: unknown.
const Scheme* find_scheme(std::string_view name);

namespace schemes {
// scheme_digest.cc
Result<std::string> make_digest(const Scheme&, std::string_view,
                                const HashOptions&);
Result<bool> verify_digest(const Scheme&, std::string_view, std::string_view,
                           std::string_view);
Result<std::string> make_salted(const Scheme&, std::string_view,
                                const HashOptions&);
Result<bool> verify_salted(const Scheme&, std::string_view, std::string_view,
                           std::string_view);
Result<std::string> make_plain(const Scheme&, std::string_view,
                               const HashOptions&);
Result<bool> verify_plain(const Scheme&, std::string_view, std::string_view,
                          std::string_view);
Result<bool> verify_truncated(const Scheme&, std::string_view, std::string_view,
                              std::string_view);
Result<std::string> make_digest_md5(const Scheme&, std::string_view,
                                    const HashOptions&);
Result<std::string> make_cram_md5(const Scheme&, std::string_view,
                                  const HashOptions&);
/// Makes it again and compares: for schemes without salt.
Result<bool> verify_again(const Scheme&, std::string_view, std::string_view,
                          std::string_view);
// scheme_crypt.cc
Result<std::string> make_crypt(const Scheme&, std::string_view,
                               const HashOptions&);
Result<bool> verify_crypt(const Scheme&, std::string_view, std::string_view,
                          std::string_view);
Result<bool> verify_md5(const Scheme&, std::string_view, std::string_view,
                        std::string_view);
Result<std::string> make_argon2(const Scheme&, std::string_view,
                                const HashOptions&);
Result<bool> verify_argon2(const Scheme&, std::string_view, std::string_view,
                           std::string_view);
// scheme_derived.cc
Result<std::string> make_pbkdf2(const Scheme&, std::string_view,
                                const HashOptions&);
Result<bool> verify_pbkdf2(const Scheme&, std::string_view, std::string_view,
                           std::string_view);
Result<std::string> make_scram(const Scheme&, std::string_view,
                               const HashOptions&);
Result<bool> verify_scram(const Scheme&, std::string_view, std::string_view,
                          std::string_view);
Result<std::string> make_otp(const Scheme&, std::string_view,
                             const HashOptions&);
Result<bool> verify_otp(const Scheme&, std::string_view, std::string_view,
                        std::string_view);
}  // namespace schemes

}  // namespace mail::sasl
