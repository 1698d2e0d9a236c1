#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace mail {

/// The whole of `text` as a number in `base`; nullopt on any other character
/// (blanks and a plus sign too), on nothing, and on overflow.
template <std::integral T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
  T value{};
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

/// A non-negative count with an optional unit s m h d w (any case), in
/// seconds; without a unit, `unit` is meant. nullopt: not such a time.
std::optional<long> parse_time(std::string_view text, char unit);

}  // namespace mail
