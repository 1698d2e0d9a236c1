#include "common/mime/date.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdlib>

namespace mail::mime {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                   "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Moment {
  int year;
  unsigned month, day, weekday;
  long long hour, minute, second;
};

Moment moment_of(long long seconds) {
  using namespace std::chrono;
  // Years of four digits; beyond them no calendar is meant.
  constexpr long long kLast = 253402300799;
  seconds = std::min(std::max(seconds, -62167219200LL), kLast);
  sys_seconds time{std::chrono::seconds(seconds)};
  sys_days day = floor<days>(time);
  year_month_day date{day};
  long long rest = (time - day).count();
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          weekday(day).c_encoding(),
          rest / 3600,
          rest / 60 % 60,
          rest % 60};
}

}  // namespace

std::string format_date(long long seconds, const Zone& zone) {
  Moment m = moment_of(seconds + zone.offset);
  int minutes = std::abs(zone.offset) / 60;
  std::string out = fmt::format(
      "{}, {:2} {} {:04} {:02}:{:02}:{:02} {}{:02}{:02}", kDays[m.weekday],
      m.day, kMonths[m.month - 1], m.year, m.hour, m.minute, m.second,
      zone.offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
  if (!zone.name.empty()) {
    out += " (";
    out += zone.name;
    out += ')';
  }
  return out;
}

std::string compact_utc(long long seconds) {
  Moment m = moment_of(seconds);
  return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", m.year, m.month, m.day,
                     m.hour, m.minute, m.second);
}

std::string make_message_id(long long seconds, std::string_view queue_id,
                            std::string_view host, bool long_queue_id) {
  if (long_queue_id) return fmt::format("<{}@{}>", queue_id, host);
  return fmt::format("<{}.{}@{}>", compact_utc(seconds), queue_id, host);
}

}  // namespace mail::mime
