#include "common/config/opendkim/conf.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/check.h"
#include "common/base/number.h"

namespace mail::config::opendkim {

namespace {

constexpr size_t kMaxDepth = 5;
constexpr size_t kMaxEntries = 10000;

Failure error(std::string_view file, size_t line, std::string_view text) {
  return fail(
      Fault::Config,
      fmt::format("{}: configuration error at line {}: {}", file, line, text));
}

bool is_legal(Kind kind, std::string_view value) {
  switch (kind) {
    case Kind::Boolean:
      return parse_boolean(value).has_value();
    case Kind::Integer:
      return parse_integer(value).has_value();
    default:
      return true;
  }
}

}  // namespace

std::optional<bool> parse_boolean(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (std::string_view("tTyY1").find(text[0]) != std::string_view::npos) {
    return true;
  }
  if (std::string_view("fFnN0").find(text[0]) != std::string_view::npos) {
    return false;
  }
  return std::nullopt;
}

std::optional<long> parse_integer(std::string_view text) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text[0] == '-') return std::nullopt;
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && to_lower(text[1]) == 'x') {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  auto value = parse_number<long>(text, base);
  if (value && negative) return -*value;
  return value;
}

Result<Conf> Conf::read(const std::string& path, const FileReader& reader) {
  Conf out;
  TRY(out.read_file(path, reader, 0));
  return out;
}

Result<> Conf::read_file(const std::string& path, const FileReader& reader,
                         size_t depth) {
  if (depth >= kMaxDepth) return error(path, 0, "nesting too deep");
  auto text = reader(path);
  if (!text) {
    return error(
        path, 0,
        fmt::format("error reading configuration file: {}", text.error().what));
  }
  size_t number = 0;
  for (std::string_view line : split_exact(*text, '\n')) {
    ++number;
    line = trim(line.substr(0, line.find_first_of("#\r")));
    if (line.empty()) continue;
    size_t end = std::min(line.find_first_of(" \t"), line.size());
    const Parameter* parameter = find_parameter(line.substr(0, end));
    if (!parameter) return error(path, number, "unrecognized parameter");
    std::string value(trim(line.substr(end)));
    if (value.empty()) return error(path, number, "required value missing");
    if (!is_legal(parameter->kind, value)) {
      return error(path, number, "illegal value");
    }
    if (parameter->kind == Kind::Include) {
      TRY(read_file(value, reader, depth + 1));
      continue;
    }
    if (entries_.size() >= kMaxEntries) {
      return error(path, number, "too many settings");
    }
    entries_.push_back({parameter, std::move(value), path, number});
  }
  return {};
}

void Conf::set(std::string_view name, std::string value) {
  const Parameter* parameter = find_parameter(name);
  CHECK(parameter != nullptr && is_legal(parameter->kind, value));
  entries_.push_back({parameter, std::move(value), "command line", 0});
}

const Conf::Entry* Conf::find(std::string_view name, Kind kind) const {
  const Parameter* parameter = find_parameter(name);
  CHECK(parameter != nullptr && parameter->name == name &&
        (parameter->kind == kind ||
         (kind == Kind::String && parameter->kind == Kind::DataSet)));
  for (size_t i = entries_.size(); i > 0; --i) {
    if (entries_[i - 1].parameter == parameter) return &entries_[i - 1];
  }
  return nullptr;
}

bool Conf::is_set(std::string_view name) const {
  const Parameter* parameter = find_parameter(name);
  CHECK(parameter != nullptr);
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& e) { return e.parameter == parameter; });
}

bool Conf::boolean(std::string_view name) const {
  const Entry* entry = find(name, Kind::Boolean);
  return *parse_boolean(entry ? std::string_view(entry->value)
                              : find_parameter(name)->default_value);
}

long Conf::integer(std::string_view name) const {
  const Entry* entry = find(name, Kind::Integer);
  if (entry) return *parse_integer(entry->value);
  return parse_integer(find_parameter(name)->default_value).value_or(0);
}

std::optional<std::string> Conf::string(std::string_view name) const {
  if (const Entry* entry = find(name, Kind::String)) return entry->value;
  std::string_view fallback = find_parameter(name)->default_value;
  if (fallback.empty()) return std::nullopt;
  return std::string(fallback);
}

std::vector<std::string> Conf::unsupported() const {
  std::vector<std::string> out;
  for (const Entry& entry : entries_) {
    if (entry.parameter->state != State::Missing) continue;
    out.push_back(
        fmt::format("{}, line {}: {} is not supported: it does nothing",
                    entry.file, entry.line, entry.parameter->name));
  }
  return out;
}

}  // namespace mail::config::opendkim
