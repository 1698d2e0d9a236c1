#include "common/crypto/secret.h"

#include <openssl/crypto.h>

namespace mail::crypto {

void wipe(std::string& bytes) {
  // To the capacity: an earlier, longer content may lie behind the end.
  bytes.resize(bytes.capacity());
  OPENSSL_cleanse(bytes.data(), bytes.size());
  bytes.clear();
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace mail::crypto
