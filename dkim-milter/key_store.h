#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/crypto/key.h"

namespace mail::dkim_milter {

using KeyPtr = std::shared_ptr<const crypto::PrivateKey>;

/// The private keys of one settings snapshot, each read once. Threads share.
class KeyStore {
 public:
  struct Rules {
    bool require_safe = true;
    uid_t uid = 0;  ///< who signs: UserID
  };
  /// before: keys that cannot be read any more (the process has given up
  /// root) are taken from there, with a warning; may be null.
  KeyStore(Rules rules, std::shared_ptr<KeyStore> before)
      : rules_(rules), before_(std::move(before)) {}

  /// text: a path, a PEM or base64 DER ("MII..."). A failure is remembered
  /// for some seconds.
  /// Errors: Config, "PATH: reason", ending with what to do.
  Result<KeyPtr> get(const std::string& text);
  /// After the snapshot is complete: the keys of `before` are let go.
  void forget_before();
  /// What was said of keys that are used all the same, once.
  std::vector<std::string> take_warnings();

 private:
  Result<KeyPtr> load(const std::string& text);
  Result<KeyPtr> load_file(const std::string& path);
  KeyPtr known(const std::string& text);

  struct Kept {
    Result<KeyPtr> key;
    Instant until;  // of a failure
  };
  Rules rules_;
  std::shared_ptr<KeyStore> before_;
  std::mutex mutex_;
  std::map<std::string, Kept> keys_;
  std::vector<std::string> warnings_;
};

}  // namespace mail::dkim_milter
