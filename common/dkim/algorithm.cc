#include "common/dkim/algorithm.h"

#include "common/base/ascii.h"

namespace mail::dkim {

namespace {
constexpr std::string_view kNames[] = {"rsa-sha1", "rsa-sha256",
                                       "ed25519-sha256"};
}  // namespace

std::string_view algorithm_name(Algorithm algorithm) {
  return kNames[static_cast<size_t>(algorithm)];
}

std::optional<Algorithm> algorithm_by_name(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (iequals(name, kNames[i])) return static_cast<Algorithm>(i);
  }
  return std::nullopt;
}

}  // namespace mail::dkim
