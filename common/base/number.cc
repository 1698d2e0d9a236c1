#include "common/base/number.h"

#include <limits>

#include "common/base/ascii.h"

namespace mail {

namespace {
long seconds_of(char unit) {
  switch (to_lower(unit)) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    case 'w':
      return 604800;
    default:
      return 0;
  }
}
}  // namespace

std::optional<long> parse_time(std::string_view text, char unit) {
  if (!text.empty() && is_alpha(text.back())) {
    unit = text.back();
    text.remove_suffix(1);
  }
  auto count = parse_number<long>(text);
  long factor = seconds_of(unit);
  if (!count || *count < 0 || factor == 0) return std::nullopt;
  if (*count > std::numeric_limits<int>::max() / factor) return std::nullopt;
  return *count * factor;
}

}  // namespace mail
