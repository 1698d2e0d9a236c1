#include "common/smtp/tokens.h"

#include "common/base/ascii.h"

namespace mail::smtp {

std::string_view take_token(std::string_view& rest) {
  rest = trim_left(rest);
  size_t at = 0;
  int depth = 0;
  bool quoted = false;
  for (; at < rest.size(); ++at) {
    char c = rest[at];
    if (c == '\\' && at + 1 < rest.size()) {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      continue;
    } else if (c == '<') {
      ++depth;
    } else if (c == '>') {
      if (depth > 0) --depth;
    } else if (is_space(c) && depth == 0) {
      break;
    }
  }
  std::string_view token = rest.substr(0, at);
  rest.remove_prefix(at);
  return token;
}

}  // namespace mail::smtp
