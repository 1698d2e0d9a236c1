#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config/opendkim/conf.h"
#include "common/crypto/key.h"

namespace mail::opendkim_tools {

/// Standard output and error; "PROGRAM: text" on the latter.
void print(std::string_view text);
void complain(std::string_view program, std::string_view text);

/// A private key from a file, or as a KeyTable holds it inline.
/// Errors: Config, "PATH: stat(): No such file or directory" with errno, or
/// OpenSSL's reason.
Result<crypto::PrivateKey> read_key(const std::string& text);

/// path: -x, or the usual file if it is there, or nothing.
Result<config::opendkim::Conf> read_conf(
    const std::optional<std::string>& path);

/// One key that a configuration signs with.
struct KeyPlace {
  std::string name;  ///< of the KeyTable's entry; "" without one
  std::string domain, selector, key;
};
/// All entries of a KeyTable (a data set), in its order; those whose domain
/// is "%" have no key of their own and are left out.
/// Errors: Config, "SPEC: reason".
Result<std::vector<KeyPlace>> read_key_table(const std::string& spec);

}  // namespace mail::opendkim_tools
