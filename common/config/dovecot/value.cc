#include "common/config/dovecot/value.h"

#include <fmt/format.h>

#include <limits>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::config::dovecot {

namespace {

constexpr unsigned long long kUnlimitedTime = 4294967295;  // seconds

struct Unit {
  std::string_view prefix_of;  ///< any prefix of this word means it
  unsigned long long milliseconds;
};
// In the order in which the original tries them: "m" is minutes.
constexpr Unit kTimeUnits[] = {
    {"secs", 1000},       {"seconds", 1000},  {"mins", 60000},
    {"minutes", 60000},   {"hours", 3600000}, {"days", 86400000},
    {"weeks", 604800000}, {"msecs", 1},       {"mseconds", 1},
    {"milliseconds", 1},  {"millisecs", 1},   {"ms", 1}};

Failure wrong(std::string what) { return fail(Fault::Config, std::move(what)); }

/// Digits in front of `text`, taken off it.
std::optional<unsigned long long> take_number(std::string_view& text) {
  size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  auto number = parse_number<unsigned long long>(text.substr(0, n));
  text.remove_prefix(n);
  return number;
}

Result<Value> read_bool(std::string_view text) {
  if (text == "1" || iequals(text, "yes") || iequals(text, "y")) {
    return Value{1, "yes"};
  }
  if (iequals(text, "no")) return Value{0, "no"};
  return wrong(fmt::format("Invalid boolean value: {} (use yes or no)", text));
}

Result<Value> read_uint(std::string_view text, bool octal) {
  if (octal && text.starts_with("0") && text.size() > 1) {
    auto number = parse_number<unsigned>(text.substr(1), 8);
    if (!number) return wrong(fmt::format("Invalid number: {}", text));
    return Value{*number, fmt::format("0{:o}", *number)};
  }
  auto number = parse_number<unsigned>(text);
  if (!number) {
    return wrong(fmt::format("Invalid number {}: {}", text,
                             !text.empty() && is_digit(text[0]) &&
                                     parse_number<unsigned long long>(text)
                                 ? "Value is too large"
                                 : "Not a valid number"));
  }
  return Value{*number, octal ? fmt::format("0{:o}", *number)
                              : fmt::format("{}", *number)};
}

Result<Value> read_port(std::string_view text) {
  auto number = parse_number<unsigned>(text);
  if (!number || *number > 65535) {
    return wrong(
        fmt::format("Invalid port number {}: {}", text,
                    number ? "Value out of range" : "Not a valid port number"));
  }
  return Value{*number, fmt::format("{}", *number)};
}

Result<Value> read_size(std::string_view text) {
  std::string_view rest = text;
  auto number = take_number(rest);
  if (!number) return wrong(fmt::format("Invalid size: {}", text));
  rest = trim_left(rest);
  unsigned shift = 0;
  if (!rest.empty()) {
    size_t unit = std::string_view("BKMGT").find(to_upper(rest[0]));
    if (unit == std::string_view::npos) {
      return wrong(fmt::format("Invalid size: {}", text));
    }
    bool more = rest.size() > 1 &&
                !(rest.size() == 2 && unit > 0 && to_upper(rest[1]) == 'B');
    if (more) return wrong(fmt::format("Invalid size: {}", text));
    shift = static_cast<unsigned>(unit) * 10;
  }
  if (shift > 0 && *number > (~0ULL >> shift)) {
    return wrong("Size value too large");
  }
  unsigned long long bytes = *number << shift;
  return Value{static_cast<long long>(bytes), size_text(bytes)};
}

Result<Value> read_time(std::string_view text, bool milliseconds) {
  std::string_view rest = text;
  auto number = take_number(rest);
  if (!number) return wrong(fmt::format("Invalid time interval: {}", text));
  rest = trim_left(rest);
  if (rest.empty()) {
    if (*number == 0) return Value{0, "0"};
    return wrong(
        fmt::format("Time interval '{}' is missing units "
                    "(add e.g. 's' for seconds)",
                    text));
  }
  for (const auto& unit : kTimeUnits) {
    if (!istarts_with(unit.prefix_of, rest)) continue;
    unsigned long long limit = std::numeric_limits<long long>::max();
    if (*number > limit / unit.milliseconds) {
      return wrong(fmt::format("Time interval '{}' is too large", text));
    }
    unsigned long long all = *number * unit.milliseconds;
    if (milliseconds) {
      return Value{static_cast<long long>(all), time_text(all)};
    }
    if (all % 1000 != 0) {
      return wrong(
          fmt::format("Milliseconds not supported for this setting: {}", text));
    }
    if (all / 1000 > kUnlimitedTime) {
      return wrong(fmt::format("Time interval '{}' is too large", text));
    }
    return Value{static_cast<long long>(all / 1000), time_text(all)};
  }
  return wrong(fmt::format("Invalid time interval: {}", text));
}

}  // namespace

std::string size_text(unsigned long long bytes) {
  if (bytes == 0) return "0";
  if (bytes == std::numeric_limits<unsigned long long>::max()) {
    return fmt::format("{} B", bytes);
  }
  size_t unit = 0;
  while (unit < 4 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{} {}", bytes, std::string_view("BkMGT")[unit]);
}

std::string time_text(unsigned long long milliseconds) {
  if (milliseconds == 0) return "0";
  if (milliseconds % 1000 != 0) return fmt::format("{} ms", milliseconds);
  unsigned long long seconds = milliseconds / 1000;
  if (seconds == kUnlimitedTime) return fmt::format("{} secs", seconds);
  if (seconds % 604800 == 0) return fmt::format("{} weeks", seconds / 604800);
  if (seconds % 86400 == 0) return fmt::format("{} days", seconds / 86400);
  if (seconds % 3600 == 0) return fmt::format("{} hours", seconds / 3600);
  if (seconds % 60 == 0) return fmt::format("{} mins", seconds / 60);
  return fmt::format("{} secs", seconds);
}

Result<Value> read_value(const SettingInfo& setting, std::string_view text) {
  switch (setting.type) {
    case Type::Bool:
      return read_bool(text);
    case Type::Uint:
      return read_uint(text, false);
    case Type::Octal:
      return read_uint(text, true);
    case Type::Port:
      return read_port(text);
    case Type::Size:
      return read_size(text);
    case Type::Time:
      return read_time(text, false);
    case Type::TimeMs:
      return read_time(text, true);
    case Type::Enum:
      for (auto word : split_exact(setting.words, '|')) {
        if (word == text) return Value{0, std::string(text)};
      }
      return wrong(fmt::format("Invalid value: {}", text));
    default:
      return Value{0, std::string(text)};
  }
}

std::string allowed_values(const SettingInfo& setting) {
  switch (setting.type) {
    case Type::Bool:
      return "yes or no";
    case Type::Uint:
      return "a whole number";
    case Type::Octal:
      return "an octal mode, 0600";
    case Type::Port:
      return "a port, 0 to 65535";
    case Type::Size:
      return "a size: 100 k, 10 M, 1 G";
    case Type::Time:
      return "a time: 30 secs, 5 mins, 1 hours, 2 days, 1 weeks";
    case Type::TimeMs:
      return "a time: 250 ms, 30 secs, 5 mins";
    case Type::Enum: {
      std::string words;
      for (auto word : split_exact(setting.words, '|')) {
        if (!words.empty()) words += ", ";
        words += word;
      }
      return "one of " + words;
    }
    default:
      return "";
  }
}

}  // namespace mail::config::dovecot
