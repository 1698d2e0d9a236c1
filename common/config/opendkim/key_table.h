#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace mail::config::opendkim {

/// One entry of a KeyTable: "domain:selector:key".
struct KeyEntry {
  std::string domain;  ///< "%": the sender's
  std::string selector;
  std::string key;  ///< a path, or the key itself

  /// A path: begins with "/", "./" or "../".
  bool is_file() const;
  bool depends_on_domain() const;
  /// "%" stands for `sender_domain` in domain, and in an absolute path for
  /// the domain that signs.
  KeyEntry for_domain(std::string_view sender_domain) const;
};

/// Errors: Config, a field is missing or empty.
Result<KeyEntry> read_key_entry(std::string_view value);

/// One value of a SigningTable: "keyname[:signer]".
struct SigningEntry {
  std::string key_name;  ///< "%": the sender's domain
  std::string signer;    ///< i=; "" when there was none; "%" likewise

  SigningEntry for_domain(std::string_view sender_domain) const;
};
SigningEntry read_signing_entry(std::string_view value);

}  // namespace mail::config::opendkim
