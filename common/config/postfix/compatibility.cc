#include "common/config/postfix/compatibility.h"

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::config {

std::optional<long> parse_level(std::string_view text) {
  auto pieces = split_exact(text, '.');
  if (pieces.size() > 3) return std::nullopt;
  int numbers[3] = {};
  for (size_t i = 0; i < pieces.size(); ++i) {
    auto number = parse_number<int>(pieces[i]);
    if (!number || *number < 0 || (i > 0 && *number > 0xffff)) {
      return std::nullopt;
    }
    numbers[i] = *number;
  }
  return level(numbers[0], numbers[1], numbers[2]);
}

}  // namespace mail::config
