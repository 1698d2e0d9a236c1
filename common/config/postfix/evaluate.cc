#include "common/config/postfix/evaluate.h"

#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::config {

namespace {

Failure bad(std::string text) { return fail(Fault::Config, std::move(text)); }

/// The unit of a default such as "300s" or "${stress?{10}:{300}}s".
char unit_of(std::string_view default_text) {
  if (default_text.empty() || default_text.front() == '$') {
    if (!default_text.ends_with("}s") && !default_text.ends_with("}h")) {
      return 's';
    }
  }
  char last = default_text.back();
  return is_alpha(last) ? last : 's';
}

Result<long> evaluate_bool(const ParamInfo& info, std::string_view value) {
  if (iequals(value, "yes")) return 1;
  if (iequals(value, "no")) return 0;
  return bad(
      fmt::format("bad boolean configuration: {} = {}", info.name, value));
}

Result<long> check_length(const ParamInfo& info, std::string_view value) {
  long length = static_cast<long>(value.size());
  const char* form = info.type == Type::Raw
                         ? "bad string length ({} {} {}): {} = {}"
                         : "bad string length {} {} {}: {} = {}";
  if (info.min != kNoBound && length < info.min) {
    return bad(fmt::format(fmt::runtime(form), length, '<', info.min, info.name,
                           value));
  }
  if (info.max != kNoBound && length > info.max) {
    return bad(fmt::format(fmt::runtime(form), length, '>', info.max, info.name,
                           value));
  }
  return 0;
}

}  // namespace

Result<long> evaluate_int(std::string_view name, std::string_view value,
                          long min, long max) {
  auto number = parse_number<long>(value);
  if (!number) {
    return bad(
        fmt::format("bad numerical configuration: {} = {}", name, value));
  }
  if (min != kNoBound && *number < min) {
    return bad(
        fmt::format("invalid {} parameter value {} < {}", name, *number, min));
  }
  if (max != kNoBound && *number > max) {
    return bad(
        fmt::format("invalid {} parameter value {} > {}", name, *number, max));
  }
  return *number;
}

Result<long> evaluate_time(std::string_view name, std::string_view value,
                           char unit, long min, long max) {
  auto number = parse_time(value, unit);
  if (!number || *number > std::numeric_limits<int>::max()) {
    return bad(
        fmt::format("parameter {}: bad time value or unit: {}", name, value));
  }
  if (min != kNoBound && *number < min) {
    return bad(fmt::format("invalid {}: {} (min {})", name, *number, min));
  }
  if (max != kNoBound && *number > max) {
    return bad(fmt::format("invalid {}: {} (max {})", name, *number, max));
  }
  return *number;
}

Result<long> evaluate(const ParamInfo& info, std::string_view value) {
  switch (info.type) {
    case Type::Bool:
      return evaluate_bool(info, value);
    case Type::Int:
      if (auto n = parse_number<long>(value); n && *n != static_cast<int>(*n)) {
        return bad(fmt::format("bad numerical configuration: {} = {}",
                               info.name, value));
      }
      return evaluate_int(info.name, value, info.min, info.max);
    case Type::Long:
      return evaluate_int(info.name, value, info.min, info.max);
    case Type::Time:
      return evaluate_time(info.name, value, unit_of(info.default_text),
                           info.min, info.max);
    default:
      return check_length(info, value);
  }
}

}  // namespace mail::config
