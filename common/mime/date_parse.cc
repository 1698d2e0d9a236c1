#include "common/mime/date_parse.h"

#include <algorithm>
#include <array>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/mime/lexer.h"

namespace mail::mime {

const char* const kMonthNames[12] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

namespace {

std::optional<int> number(std::string_view word, size_t least, size_t most) {
  if (word.size() < least || word.size() > most) return std::nullopt;
  if (!std::all_of(word.begin(), word.end(), is_digit)) return std::nullopt;
  return parse_number<int>(word);
}

/// Seconds east of UTC.
int zone_of(std::string_view word) {
  if (word.size() == 5 && (word[0] == '+' || word[0] == '-')) {
    auto hhmm = number(word.substr(1), 4, 4);
    if (!hhmm) return 0;
    int seconds = *hhmm / 100 * 3600 + *hhmm % 100 * 60;
    return word[0] == '-' ? -seconds : seconds;
  }
  static constexpr std::pair<std::string_view, int> kNames[] = {
      {"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7},
      {"MDT", -6}, {"PST", -8}, {"PDT", -7}, {"BST", 1},  {"CET", 1},
      {"CEST", 2}, {"EET", 2},  {"EEST", 3}, {"JST", 9},  {"WEST", 1}};
  for (const auto& [name, hours] : kNames) {
    if (iequals(name, word)) return hours * 3600;
  }
  return 0;
}

struct Words {
  std::array<std::string_view, 8> word;
  size_t count = 0;
  std::string_view operator[](size_t i) const {
    return i < count ? word[i] : std::string_view();
  }
};

/// Atoms and ":" and ",", without blanks and comments.
Words words_of(std::string_view value) {
  Words out;
  size_t at = 0;
  int depth = 0;
  while (at < value.size() && out.count < out.word.size()) {
    char c = value[at];
    if (c == '(') ++depth;
    if (depth || is_space(c) || c == ',') {
      if (c == ')' && depth) --depth;
      ++at;
      continue;
    }
    size_t begin = at;
    while (at < value.size() && !is_space(value[at]) && value[at] != '(' &&
           value[at] != ',') {
      ++at;
    }
    out.word[out.count++] = value.substr(begin, at - begin);
  }
  return out;
}

struct Time {
  int hour, minute, second;
};

std::optional<Time> time_of(std::string_view word) {
  auto parts = split_exact(word, ':');
  if (parts.size() == 1) parts = split_exact(word, '.');
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  auto hour = number(parts[0], 1, 2), minute = number(parts[1], 2, 2);
  std::optional<int> second = 0;
  if (parts.size() == 3) second = number(parts[2], 2, 2);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 ||
      *second > 60) {
    return std::nullopt;
  }
  return Time{*hour, *minute, *second};
}

}  // namespace

int month_of(std::string_view name) {
  if (name.size() < 3) return 0;
  for (int i = 0; i < 12; ++i) {
    if (iequals(name.substr(0, 3), kMonthNames[i])) return i + 1;
  }
  return 0;
}

// Howard Hinnant's days_from_civil: eras of 400 years that begin in March.
int64_t seconds_of(int year, int month, int day, int hour, int minute,
                   int second) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t yoe = y - era * 400;
  int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t days = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
  return days * 86400 + hour * 3600 + minute * 60 + second;
}

CivilDay civil_day(int64_t days) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t doe = days - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  int64_t month = mp < 10 ? mp + 3 : mp - 9;
  return {static_cast<int>(yoe + era * 400 + (month <= 2)),
          static_cast<int>(month),
          static_cast<int>(doy - (153 * mp + 2) / 5 + 1)};
}

std::optional<HeaderDate> read_date(std::string_view value) {
  Words w = words_of(value);
  size_t at = 0;
  if (w.count && !is_digit(w[0][0])) at = 1;  // the day's name
  auto day = number(w[at], 1, 2);
  int month = month_of(w[at + 1]);
  auto year = number(w[at + 2], 2, 4);
  if (!day || *day < 1 || *day > 31 || !month || !year) return std::nullopt;
  if (w[at + 2].size() == 2) *year += *year < 70 ? 2000 : 1900;
  if (w[at + 2].size() == 3) *year += 1900;
  if (*year < 1900) return std::nullopt;
  auto time = time_of(w[at + 3]);
  if (!time) return std::nullopt;
  int offset = zone_of(w[at + 4]);
  HeaderDate out;
  out.offset = offset;
  out.seconds = seconds_of(*year, month, *day, time->hour, time->minute,
                           std::min(time->second, 59)) -
                offset;
  return out;
}

}  // namespace mail::mime
