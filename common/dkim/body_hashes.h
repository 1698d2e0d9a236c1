#pragma once

#include <vector>

#include "common/dkim/canonical.h"

namespace mail::dkim {

/// All digests that the signatures of one message want of its body; equal
/// wishes are hashed once.
class BodyHashes {
 public:
  /// Before update(). Returns what digest() and size() take.
  size_t want(Canon canon, crypto::Hash hash, std::optional<uint64_t> limit);
  void update(std::string_view bytes);
  /// No more body is needed.
  bool satisfied() const;
  void finish();

  const std::string& digest(size_t i) const { return all_[i].digest; }
  /// Canonical bytes hashed, at most the limit.
  uint64_t size(size_t i) const { return all_[i].hasher.size(); }

 private:
  struct Entry {
    Canon canon;
    crypto::Hash hash;
    std::optional<uint64_t> limit;
    BodyHasher hasher;
    std::string digest;
  };
  std::vector<Entry> all_;
};

}  // namespace mail::dkim
