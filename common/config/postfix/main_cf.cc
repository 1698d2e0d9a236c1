#include "common/config/postfix/main_cf.h"

#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/config/postfix/logical_lines.h"

namespace mail::config {

Result<NameValue> split_definition(std::string_view line) {
  std::string_view rest = trim_left(line);
  size_t length = 0;
  while (length < rest.size() && rest[length] != '=' &&
         !is_space(rest[length])) {
    ++length;
  }
  std::string_view name = rest.substr(0, length);
  rest = trim_left(rest.substr(length));
  if (name.empty()) {
    return fail(Fault::Config,
                fmt::format("missing attribute name: \"{}\"", line));
  }
  if (rest.empty() || rest.front() != '=') {
    return fail(Fault::Config,
                fmt::format("missing '=' after attribute name: \"{}\"", line));
  }
  return NameValue(name, trim(rest.substr(1)));
}

Result<NameValue> parse_override(std::string_view text) {
  auto pair = split_definition(text);
  if (pair) return pair;
  std::string what = pair.error().what;
  return fail(Fault::Config, what.substr(0, what.find(": \"")));
}

Result<Definitions> parse_main_cf(std::string_view text, std::string_view path,
                                  const WarningSink& warn) {
  Definitions definitions;
  LogicalLines lines(text, path, warn);
  while (auto line = lines.next()) {
    auto pair = split_definition(line->text);
    if (!pair) {
      return fail(Fault::Config, fmt::format("{}, line {}: {}", path,
                                             line->line, pair.error().what));
    }
    auto& [name, value] = *pair;
    auto [at, is_new] = definitions.try_emplace(std::move(name));
    if (!is_new && at->second.value != value && warn) {
      warn(fmt::format("{}, line {}: overriding earlier entry: {}={}", path,
                       line->line, at->first, at->second.value));
    }
    at->second = {std::move(value), line->line};
  }
  return definitions;
}

}  // namespace mail::config
