#include "common/smtp/dsn_code.h"

#include <fmt/format.h>

#include "common/base/ascii.h"

namespace mail::smtp {
namespace {

/// One to three digits at `at`, moved past them; -1: none, or more.
int take_number(std::string_view text, size_t& at) {
  size_t begin = at;
  int value = 0;
  while (at < text.size() && is_digit(text[at]) && at - begin < 3) {
    value = value * 10 + (text[at++] - '0');
  }
  return at == begin ? -1 : value;
}

}  // namespace

std::string DsnCode::text() const {
  return fmt::format("{}.{}.{}", category, subject, detail);
}

std::optional<DsnCode> parse_dsn_code(std::string_view text, size_t* length) {
  if (text.size() < 5 || text[1] != '.') return std::nullopt;
  if (text[0] != '2' && text[0] != '4' && text[0] != '5') return std::nullopt;
  DsnCode code;
  code.category = text[0] - '0';
  size_t at = 2;
  code.subject = take_number(text, at);
  if (code.subject < 0 || at >= text.size() || text[at] != '.') {
    return std::nullopt;
  }
  code.detail = take_number(text, ++at);
  if (code.detail < 0) return std::nullopt;
  if (at < text.size() && !is_space(text[at])) return std::nullopt;
  if (length != nullptr) *length = at;
  return code;
}

}  // namespace mail::smtp
