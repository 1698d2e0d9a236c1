#include "common/config/postfix/param_info.h"

#include <algorithm>

#include "common/base/ascii.h"

namespace mail::config {

ParamInfo ParamTable::operator[](int id) const {
  const PackedParam& packed = kPackedParams[id];
  return {packed.name.in(kParamTexts),
          packed.type,
          packed.default_text.in(kParamTexts),
          packed.min,
          packed.max,
          packed.readers.in(kParamTexts)};
}

LegacyParam LegacyParamTable::operator[](int index) const {
  const PackedLegacyParam& packed = kPackedLegacyParams[index];
  return {packed.name.in(kParamTexts), packed.successor.in(kParamTexts)};
}

std::optional<int> find_param(std::string_view name) {
  const PackedParam* end = kPackedParams + kParamCount;
  const PackedParam* at =
      std::lower_bound(kPackedParams, end, name,
                       [](const PackedParam& packed, std::string_view wanted) {
                         return packed.name.in(kParamTexts) < wanted;
                       });
  if (at == end || at->name.in(kParamTexts) != name) return std::nullopt;
  return static_cast<int>(at - kPackedParams);
}

bool is_legacy_param(std::string_view name) {
  return std::any_of(kPackedLegacyParams,
                     kPackedLegacyParams + kLegacyParamCount,
                     [&](const PackedLegacyParam& packed) {
                       return packed.name.in(kParamTexts) == name;
                     });
}

bool reads(const ParamInfo& info, std::string_view program) {
  if (program == "defer" || program == "trace") program = "bounce";
  for (std::string_view reader : split(info.readers, ",")) {
    if (reader == program || reader == "all") return true;
  }
  return false;
}

}  // namespace mail::config
