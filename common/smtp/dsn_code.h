#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mail::smtp {

/// An enhanced status code X.Y.Z (RFC 3463): 2, 4 or 5, then one to three
/// digits twice. All zero: none.
struct DsnCode {
  int category = 0, subject = 0, detail = 0;

  explicit operator bool() const { return category != 0; }
  std::string text() const;  ///< "5.1.1"
  auto operator<=>(const DsnCode&) const = default;
};

/// The code at the beginning of `text`, followed by its end or a blank.
/// length, if not null, gets its length.
std::optional<DsnCode> parse_dsn_code(std::string_view text,
                                      size_t* length = nullptr);

}  // namespace mail::smtp
