#include "authd/sql_config.h"

#include <fmt/format.h>

#include <map>

#include "common/base/ascii.h"
#include "common/base/file.h"

namespace mail::authd {

namespace {

struct Key {
  std::string_view name;
  std::string SqlConfig::* member;
};
constexpr Key kKeys[] = {
    {"driver", &SqlConfig::driver},
    {"connect", &SqlConfig::connect},
    {"default_pass_scheme", &SqlConfig::default_pass_scheme},
    {"password_query", &SqlConfig::password_query},
    {"user_query", &SqlConfig::user_query},
    {"iterate_query", &SqlConfig::iterate_query},
};

/// Other drivers of the original.
constexpr std::string_view kNoDriver[] = {"mysql", "pgsql", "cassandra"};

std::string escape_sql(std::string_view value) {
  std::string out;
  for (char c : value) {
    if (c == '\'') out += '\'';
    if (c != '\0') out += c;
  }
  return out;
}

Result<> take(SqlConfig& config, std::string_view line, std::string_view path) {
  line = trim(line);
  if (line.empty() || line[0] == '#') return {};
  size_t equals = line.find('=');
  if (equals == std::string_view::npos) {
    return fail(Fault::Config,
                fmt::format("Error in configuration file {}: Missing value: {}",
                            path, line));
  }
  std::string_view name = trim(line.substr(0, equals));
  for (const auto& key : kKeys) {
    if (key.name != name) continue;
    config.*key.member = trim(line.substr(equals + 1));
    return {};
  }
  if (name == "update_query" || name == "userdb_warning_disable") return {};
  return fail(Fault::Config,
              fmt::format("Error in configuration file {}: Unknown setting: {}",
                          path, name));
}

}  // namespace

Result<SqlConfig> SqlConfig::parse(std::string_view text,
                                   std::string_view path) {
  SqlConfig out;
  std::string joined;
  for (std::string_view line : split_exact(text, '\n')) {
    line = trim_right(line);
    if (!joined.empty()) line = trim_left(line);
    if (line.ends_with('\\') && !trim_left(line).starts_with('#')) {
      joined += line.substr(0, line.size() - 1);
      continue;
    }
    joined += line;
    TRY(take(out, joined, path));
    joined.clear();
  }
  TRY(take(out, joined, path));
  if (out.driver.empty()) {
    return fail(
        Fault::Config,
        fmt::format("sql: driver not set in configuration file {}", path));
  }
  if (out.connect.empty()) {
    return fail(Fault::Config,
                fmt::format("sql: connect string not set in configuration "
                            "file {}",
                            path));
  }
  for (std::string_view name : kNoDriver) {
    if (out.driver != name) continue;
    return fail(Fault::Config,
                fmt::format("sql: driver {} is not built yet (file {}); sqlite "
                            "is",
                            name, path));
  }
  if (out.driver != "sqlite") {
    return fail(Fault::Config,
                fmt::format("sql: Unknown database driver '{}'", out.driver));
  }
  return out;
}

Result<std::shared_ptr<const SqlConfig>> SqlConfig::load(
    const std::string& path) {
  static std::map<std::string, std::weak_ptr<const SqlConfig>> all;
  auto& slot = all[path];
  if (auto known = slot.lock()) return known;
  auto text = TRY(read_file(path, 1 << 20));
  auto parsed = TRY(parse(text, path));
  auto out = std::make_shared<const SqlConfig>(std::move(parsed));
  slot = out;
  return std::shared_ptr<const SqlConfig>(out);
}

std::string expand_sql(std::string_view query, const Request& request) {
  return expand_escaped(query, request, escape_sql);
}

}  // namespace mail::authd
