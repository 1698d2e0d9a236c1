#include "common/config/postfix/param_info.h"

#include <algorithm>

#include "common/base/ascii.h"

namespace mail::config {

std::optional<int> find_param(std::string_view name) {
  const ParamInfo* end = kParams + kParamCount;
  const ParamInfo* at = std::lower_bound(
      kParams, end, name, [](const ParamInfo& info, std::string_view wanted) {
        return info.name < wanted;
      });
  if (at == end || at->name != name) return std::nullopt;
  return static_cast<int>(at - kParams);
}

bool is_legacy_param(std::string_view name) {
  return std::any_of(kLegacyParams, kLegacyParams + kLegacyParamCount,
                     [&](const LegacyParam& p) { return p.name == name; });
}

bool reads(const ParamInfo& info, std::string_view program) {
  if (program == "defer" || program == "trace") program = "bounce";
  for (std::string_view reader : split(info.readers, ",")) {
    if (reader == program || reader == "all") return true;
  }
  return false;
}

}  // namespace mail::config
