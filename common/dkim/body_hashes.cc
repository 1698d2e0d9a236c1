#include "common/dkim/body_hashes.h"

#include <algorithm>

namespace mail::dkim {

size_t BodyHashes::want(Canon canon, crypto::Hash hash,
                        std::optional<uint64_t> limit) {
  for (size_t i = 0; i < all_.size(); ++i) {
    const Entry& e = all_[i];
    if (e.canon == canon && e.hash == hash && e.limit == limit) return i;
  }
  all_.push_back({canon, hash, limit, BodyHasher(canon, hash, limit), ""});
  return all_.size() - 1;
}

void BodyHashes::update(std::string_view bytes) {
  for (Entry& e : all_) e.hasher.update(bytes);
}

bool BodyHashes::satisfied() const {
  return std::all_of(all_.begin(), all_.end(),
                     [](const Entry& e) { return e.hasher.satisfied(); });
}

void BodyHashes::finish() {
  for (Entry& e : all_) e.digest = e.hasher.finish();
}

}  // namespace mail::dkim
