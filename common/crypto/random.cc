#include "common/crypto/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/check.h"

namespace mail::crypto {

namespace {
// getrandom(2) is whole up to here, whatever signals come.
constexpr size_t kWhole = 256;
}  // namespace

// The kernel's own, not OpenSSL's: most programs need nothing else of that,
// and its tables cost each of them a third of a megabyte.
std::string random_bytes(size_t size) {
  std::string out(size, '\0');
  for (size_t at = 0; at < size;) {
    size_t piece = std::min(size - at, kWhole);
    ssize_t n = getrandom(out.data() + at, piece, 0);
    CHECK(n > 0 || errno == EINTR);
    if (n > 0) at += static_cast<size_t>(n);
  }
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
