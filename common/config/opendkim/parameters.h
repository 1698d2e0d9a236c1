#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace mail::config::opendkim {

enum class Kind : uint8_t { Boolean, Integer, String, DataSet, Include };

enum class State : uint8_t {
  Built,
  Idle,    ///< accepted without effect, as by OpenDKIM 2.11 itself
  Missing  ///< not built: setting it is warned of
};

/// One setting of opendkim.conf(5): the only place that lists it.
struct Parameter {
  std::string_view name;  ///< compared without case
  Kind kind;
  std::string_view default_value;
  State state;
  std::string_view meaning;
};

std::span<const Parameter> parameters();
/// nullptr: there is no such setting in this version.
const Parameter* find_parameter(std::string_view name);

}  // namespace mail::config::opendkim
