#include "common/tls/options.h"

#include <algorithm>

#include "common/base/ascii.h"

namespace mail::tls {

bool CertificateFiles::empty() const {
  return chain_files.empty() &&
         std::all_of(pairs.begin(), pairs.end(), [](const Pair& pair) {
           return pair.certificate.empty() || pair.certificate == "none";
         });
}

namespace {
constexpr std::string_view kLevels[] = {"none",   "may",       "encrypt",
                                        "dane",   "dane-only", "fingerprint",
                                        "verify", "secure"};
}  // namespace

std::optional<Level> parse_level(std::string_view text) {
  for (size_t i = 0; i < std::size(kLevels); ++i) {
    if (iequals(kLevels[i], text)) return static_cast<Level>(i);
  }
  return std::nullopt;
}

std::string_view name_of(Level level) {
  return kLevels[static_cast<size_t>(level)];
}

}  // namespace mail::tls
