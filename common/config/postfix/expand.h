#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace mail::config {

/// The value of a name; nullopt: not defined, which expands to nothing.
using Lookup = std::function<std::optional<std::string>(std::string_view)>;

struct ExpandOptions {
  /// Whether the looked-up values are expanded in turn (main.cf: yes; values
  /// that come with a request: no).
  bool recursive = false;
  /// If not empty: any other byte of a looked-up value becomes '_'.
  std::string_view allowed_bytes{};
};

struct Expansion {
  std::string text;
  bool undefined = false;  ///< some $name had no value
  bool filtered = false;   ///< allowed_bytes changed something
};

/// Replaces $name, ${name}, $(name), ${name?text}, ${name:text},
/// ${name?{text}:{text}}, ${{left} == {right} ? {text} : {text}} (!= < <= >
/// >=, each also with the suffix `level` for compatibility levels); $$ is a
/// literal $ (postconf(5)).
/// Errors: Config, the original's text, as `truncated macro reference: "..."`;
/// also when the result would exceed kMaxExpansion.
Result<Expansion> expand(std::string_view text, const Lookup& lookup,
                         const ExpandOptions& options = {});

inline constexpr size_t kMaxExpansion = 1 << 20;

/// Calls `see` for each name that `text` refers to, in both branches of each
/// condition. Errors: as expand().
Result<> scan_names(std::string_view text,
                    const std::function<void(std::string_view name)>& see);

}  // namespace mail::config
