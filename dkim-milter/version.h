#pragma once

#include <string_view>

namespace mail::dkim_milter {

/// What log lines and header fields call us: whose place we take.
constexpr std::string_view kProduct = "OpenDKIM Filter";
constexpr std::string_view kVersion = "2.11.0";

}  // namespace mail::dkim_milter
