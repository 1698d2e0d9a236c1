#include "common/imap/date_time.h"

#include <fmt/format.h>

#include <cstdlib>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/mime/date_parse.h"

namespace mail::imap {
namespace {

std::optional<int> two_digits(std::string_view text) {
  if (text.size() != 2 || !is_digit(text[0]) || !is_digit(text[1])) {
    return std::nullopt;
  }
  return (text[0] - '0') * 10 + text[1] - '0';
}

}  // namespace

std::string format_date_time(int64_t seconds, int offset) {
  int64_t local = seconds + offset;
  int64_t days = local >= 0 ? local / 86400 : -((86399 - local) / 86400);
  int64_t rest = local - days * 86400;
  mime::CivilDay day = mime::civil_day(days);
  int minutes = std::abs(offset) / 60;
  return fmt::format("{:02}-{}-{:04} {:02}:{:02}:{:02} {}{:02}{:02}", day.day,
                     mime::kMonthNames[day.month - 1], day.year, rest / 3600,
                     rest / 60 % 60, rest % 60, offset < 0 ? '-' : '+',
                     minutes / 60, minutes % 60);
}

std::optional<int64_t> parse_date(std::string_view text) {
  auto parts = split_exact(text, '-');
  if (parts.size() != 3 || parts[0].empty() || parts[0].size() > 2 ||
      parts[1].size() != 3 || parts[2].size() != 4) {
    return std::nullopt;
  }
  auto day = parse_number<int>(trim_left(parts[0]));
  auto year = parse_number<int>(parts[2]);
  int month = mime::month_of(parts[1]);
  if (!day || !year || !month || *day < 1 || *day > 31) return std::nullopt;
  return mime::seconds_of(*year, month, *day) / 86400;
}

std::optional<int64_t> parse_date_time(std::string_view text) {
  // dd-Mon-yyyy hh:mm:ss +zzzz; a day of one digit has a blank in front.
  if (text.size() == 25) {
    if (!is_digit(text[0])) return std::nullopt;
    return parse_date_time(" " + std::string(text));
  }
  if (text.size() != 26) return std::nullopt;
  auto days = parse_date(trim_left(text.substr(0, 11)));
  auto hour = two_digits(text.substr(12, 2)),
       minute = two_digits(text.substr(15, 2)),
       second = two_digits(text.substr(18, 2)),
       zone_hour = two_digits(text.substr(22, 2)),
       zone_minute = two_digits(text.substr(24, 2));
  char sign = text[21];
  if (!days || !hour || !minute || !second || !zone_hour || !zone_minute ||
      *hour > 23 || *minute > 59 || *second > 60 || text[11] != ' ' ||
      text[14] != ':' || text[17] != ':' || text[20] != ' ' ||
      (sign != '+' && sign != '-')) {
    return std::nullopt;
  }
  int offset = *zone_hour * 3600 + *zone_minute * 60;
  return *days * 86400 + *hour * 3600 + *minute * 60 + *second -
         (sign == '-' ? -offset : offset);
}

}  // namespace mail::imap
