#include "common/crypto/random.h"

#include <openssl/rand.h>

#include <cstring>

#include "common/base/check.h"

namespace mail::crypto {

std::string random_bytes(size_t size) {
  std::string out(size, '\0');
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()),
                   static_cast<int>(size)) == 1);
  return out;
}

uint32_t random_below(uint32_t limit) {
  CHECK(limit > 0);
  // Values of the last, incomplete stretch would favour small results.
  uint32_t usable = UINT32_MAX - UINT32_MAX % limit;
  while (true) {
    uint32_t value;
    std::string bytes = random_bytes(sizeof(value));
    memcpy(&value, bytes.data(), sizeof(value));
    if (value < usable) return value % limit;
  }
}

}  // namespace mail::crypto
