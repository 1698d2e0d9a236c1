#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/dkim/body_hashes.h"
#include "common/dkim/header_block.h"
#include "common/dkim/key_record.h"
#include "common/dkim/signature.h"

namespace mail::dkim {

/// What the receiving site asks of signatures.
struct VerifyPolicy {
  int64_t drift = 300;           ///< seconds, for t= and x=
  unsigned min_key_bits = 1024;  ///< RSA
  size_t max_signatures = 3;     ///< judged; 0: all of the author's domain
  bool accept_sha1 = false;      ///< rsa-sha1 may pass, against RFC 8301
  std::vector<std::string> must_be_signed;  ///< names, if in the message
  /// Domains whose signatures are judged whatever the limit says.
  std::function<bool(std::string_view domain)> trusted;
};

/// One signature of a message and all that is known about it.
struct Check {
  Signature signature;
  size_t field = 0;                 ///< of the DKIM-Signature in the block
  Status status = Status::Unknown;  ///< final after finish()
  bool needs_key = false;           ///< call set_key() before finish()
  std::optional<KeyAnswer> key;
  bool applied = false;      ///< the public key was applied to b=
  std::string crypto_error;  ///< of that: OpenSSL's words, "" when good
  bool body_failed = false;  ///< BadBodyHash
  size_t body = 0;           ///< index into the body hashes

  const KeyRecord* record() const {
    return key && key->record ? key->record.get() : nullptr;
  }
};

/// Judges all signatures of one message (RFC 6376, 6.1).
///   begin(headers) --set_key()...--> body()... --> finish() --> checks()
/// Keys may come at any moment before finish().
class Verifier {
 public:
  /// policy, block: must outlive it. now: seconds.
  Verifier(const VerifyPolicy& policy, const HeaderBlock& block, int64_t now);
  /// Finds and reads the signatures. author_domain: that of From.
  void begin(std::string_view author_domain);

  std::vector<Check>& checks() { return checks_; }
  const std::vector<Check>& checks() const { return checks_; }
  void set_key(size_t check, KeyAnswer answer);
  void body(std::string_view bytes) { hashes_.update(bytes); }
  bool wants_body() const { return !hashes_.satisfied(); }
  void finish();

 private:
  bool is_judged(const Signature& signature, std::string_view author_domain,
                 size_t judged) const;
  Status key_status(const Check& check) const;
  Status apply(Check& check);
  Status judge_body(Check& check);
  bool leaves_unprotected(const Check& check) const;

  const VerifyPolicy& policy_;
  const HeaderBlock& block_;
  int64_t now_;
  std::vector<Check> checks_;
  BodyHashes hashes_;
};

}  // namespace mail::dkim
