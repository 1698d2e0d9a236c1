#pragma once

#include <string_view>

namespace mail::config::dovecot {

/// What we say we are: children, scripts and reports compare these.
inline constexpr std::string_view kVersion = "2.3.19.1";
inline constexpr std::string_view kRevision = "9b53102964";
inline constexpr std::string_view kPigeonhole = "0.5.19 (4eae2f79)";

}  // namespace mail::config::dovecot
