#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/crypto/key.h"
#include "common/dkim/signature.h"

namespace mail::dkim {

/// A public key as the domain publishes it (RFC 6376, 3.6.1; RFC 8463).
struct KeyRecord {
  Status status = Status::Good;     ///< else a Key... one: it serves nobody
  std::string problem;              ///< "syntax error in key data (...)"
  std::string version;              ///< v=, "" when there was none
  std::vector<std::string> hashes;  ///< h=; empty: all
  crypto::KeyType type = crypto::KeyType::Rsa;
  std::vector<std::string> services;             ///< s=; empty: all
  bool testing = false;                          ///< t=y
  bool exact_domain = false;                     ///< t=s
  std::string key_bytes;                         ///< p=, decoded
  std::shared_ptr<const crypto::PublicKey> key;  ///< set when Good
};

/// Never fails, see status. text: the strings of the TXT record joined.
KeyRecord read_key_record(std::string_view text);

/// Good, or why this key cannot have made this signature.
Status match_key(const KeyRecord& key, const Signature& signature);

/// What a name server has said about a key, however it was asked.
struct KeyAnswer {
  enum class Kind {
    Found,
    NotFound,  ///< no such name, or no TXT record there
    Failed     ///< SERVFAIL, time-out: the message may be judged later
  };
  Kind kind = Kind::Failed;
  std::shared_ptr<const KeyRecord> record;  ///< Found
  std::optional<bool> authenticated;  ///< DNSSEC holds; nullopt: not asked
  std::string problem;                ///< for the log
};

/// The one record out of the TXT records of a name: that which is a key, if
/// only one is. nullopt: none or several (RFC 6376, 3.6.2.2).
std::optional<std::string> choose_key_record(
    const std::vector<std::string>& texts);

}  // namespace mail::dkim
