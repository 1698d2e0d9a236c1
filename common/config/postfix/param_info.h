#pragma once

#include <limits>
#include <optional>
#include <string_view>

#include "common/base/packed_text.h"

namespace mail::config {

enum class Type {
  Bool,
  Int,
  Long,
  Time,
  Enum,
  List,
  Path,
  Raw,  ///< not expanded at load; its reader expands it, request by request
  RestrictionList,
  String,
  TableList,
};

inline constexpr long kNoBound = std::numeric_limits<long>::min();
/// The default of what load() computes of host facts.
inline constexpr std::string_view kHostDefault = "-host-";

/// One line of params/*.tsv.
struct ParamInfo {
  std::string_view name;
  Type type;
  std::string_view default_text;  ///< unexpanded, or kHostDefault
  long min, max;  ///< a number's bounds, a string's length; or kNoBound
  std::string_view readers;  ///< program names with commas between, or "all"
};
/// A name of old that is no parameter but asked by its successor's default.
struct LegacyParam {
  std::string_view name, successor;
};

/// The same as generated, texts in kParamTexts.
struct PackedParam {
  PackedText name, default_text, readers;
  Type type;
  long min, max;
};
struct PackedLegacyParam {
  PackedText name, successor;
};
extern const char kParamTexts[];
extern const PackedParam kPackedParams[];
extern const PackedLegacyParam kPackedLegacyParams[];

extern const int kParamCount, kLegacyParamCount;
/// kParams[id], sorted by name (strcmp order).
struct ParamTable {
  ParamInfo operator[](int id) const;
};
inline constexpr ParamTable kParams;
struct LegacyParamTable {
  LegacyParam operator[](int index) const;
};
inline constexpr LegacyParamTable kLegacyParams;

// Generated.
/// '1' for each of kParams that the sources of the tree read.
extern const char kBuilt[];
extern const std::string_view kUnbuiltLegacy[];
extern const int kUnbuiltLegacyCount;
extern const std::string_view kBuiltSuffixes[];  ///< of per-transport names
extern const int kBuiltSuffixCount;

/// The index in kParams, nullopt for a name that is not built in.
std::optional<int> find_param(std::string_view name);
bool is_legacy_param(std::string_view name);
/// Whether one of `readers` is `program` ("all" is everybody).
bool reads(const ParamInfo& info, std::string_view program);

}  // namespace mail::config
