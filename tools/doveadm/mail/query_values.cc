#include "tools/doveadm/mail/query_values.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/imap/date_time.h"
#include "common/mime/date_parse.h"

namespace mail::doveadm {
namespace {

size_t digits_of(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  return n;
}

/// "w", "week", "weeks" and so on: seconds; 0: no unit.
int64_t seconds_of_unit(std::string_view unit) {
  struct Unit {
    std::string_view name;
    int64_t seconds;
  };
  static constexpr Unit kUnits[] = {
      {"weeks", 7 * 86400}, {"days", 86400}, {"hours", 3600}, {"mins", 60},
      {"minutes", 60},      {"secs", 1},     {"seconds", 1}};
  if (unit.empty()) return 0;
  for (const Unit& one : kUnits) {
    if (istarts_with(one.name, unit)) return one.seconds;
  }
  return 0;
}

/// YYYY-MM-DD; nullopt: it is none.
std::optional<std::string> iso_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return {};
  auto year = parse_number<int>(text.substr(0, 4));
  auto month = parse_number<int>(text.substr(5, 2));
  auto day = parse_number<int>(text.substr(8, 2));
  if (!year || !month || !day) return {};
  // The thirteenth month is the next year's first, as mktime(3) has it.
  auto date = mime::civil_day(
      mime::seconds_of(*year + (*month - 1) / 12, (*month + 11) % 12 + 1, 1) /
          86400 +
      *day - 1);
  return fmt::format("{}-{}-{:04}", date.day, mime::kMonthNames[date.month - 1],
                     date.year);
}

}  // namespace

Result<std::string> query_date(std::string_view text, int64_t now) {
  if (imap::parse_date(text)) return std::string(text);
  if (auto date = iso_date(text)) return *date;
  size_t digits = digits_of(text);
  auto number = parse_number<int64_t>(text.substr(0, digits));
  if (number && digits == text.size()) return std::string(text);
  int64_t unit = seconds_of_unit(trim_left(text.substr(digits)));
  if (!number || unit == 0 || *number > now / unit) {
    return fail(Fault::Protocol,
                "Invalid search date parameter: " + std::string(text));
  }
  return fmt::format("{}", now - *number * unit);
}

Result<std::string> query_size(std::string_view text) {
  size_t digits = digits_of(text);
  auto number = parse_number<uint64_t>(text.substr(0, digits));
  std::string unit = upper(text.substr(digits));
  unsigned shift = 0;
  bool known = unit.empty() || unit == "B";
  constexpr std::string_view kUnits = "KMGT";
  if (size_t at = unit.empty() ? std::string::npos : kUnits.find(unit[0]);
      at != std::string::npos && unit.size() == 1) {
    known = true;
    shift = 10 * (static_cast<unsigned>(at) + 1);
  }
  if (!number || !known || *number > UINT64_MAX >> shift) {
    return fail(Fault::Protocol, "Invalid size: " + std::string(text));
  }
  return fmt::format("{}", *number << shift);
}

}  // namespace mail::doveadm
