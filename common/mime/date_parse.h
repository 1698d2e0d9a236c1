#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mail::mime {

/// A Date: header (RFC 5322, 3.3 and 4.3).
struct HeaderDate {
  int64_t seconds = 0;  ///< since 1970, UTC
  int offset = 0;       ///< of its zone, seconds east of UTC
};
/// nullopt: no date. Comments may stand anywhere; the day's name is optional;
/// years of two and three digits and named zones are read, unknown ones as UTC.
std::optional<HeaderDate> read_date(std::string_view value);

/// Seconds since 1970 of a civil date at UTC; month 1 to 12.
int64_t seconds_of(int year, int month, int day, int hour = 0, int minute = 0,
                   int second = 0);
/// Year, month 1 to 12, day 1 to 31 of a day counted from 1970-01-01.
struct CivilDay {
  int year, month, day;
};
CivilDay civil_day(int64_t days);
/// "Jan" ... any case: 1 to 12; 0: none.
int month_of(std::string_view name);
extern const char* const kMonthNames[12];

}  // namespace mail::mime
