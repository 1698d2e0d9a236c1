#pragma once

#include <optional>
#include <string_view>

namespace mail::config {

/// compatibility_level "N", "N.M" or "N.M.P" as one number that compares as
/// levels do; nullopt when malformed.
std::optional<long> parse_level(std::string_view text);
constexpr long level(int major, int minor = 0, int patch = 0) {
  return (static_cast<long>(major) << 32) | (static_cast<long>(minor) << 16) |
         patch;
}

}  // namespace mail::config
