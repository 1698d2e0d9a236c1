#include "authd/driver_args.h"

#include "common/base/ascii.h"

namespace mail::authd {

std::optional<std::pair<std::string_view, std::string_view>>
DriverArgs::next_option() {
  rest_ = trim(rest_);
  std::string_view word = rest_.substr(0, rest_.find_first_of(" \t"));
  size_t equals = word.find('=');
  if (word.starts_with('/') || equals == std::string_view::npos) {
    return std::nullopt;
  }
  rest_ = trim_left(rest_.substr(word.size()));
  return std::pair(word.substr(0, equals), word.substr(equals + 1));
}

}  // namespace mail::authd
