#include "tools/postconf/text.h"

#include "common/base/ascii.h"

namespace mail::postconf {

std::string rejoin(std::string_view text, bool folded) {
  constexpr size_t kWidth = 80;
  std::string out;
  size_t column = 0;
  for (std::string_view word : split(text, " \t\r\n")) {
    if (column > 0 && folded && column + 1 + word.size() > kWidth) {
      out += "\n    ";
      column = 4;
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

}  // namespace mail::postconf
