#include "common/maps/source.h"

#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/base/utf8.h"

namespace mail::maps {

MapSource::MapSource(std::string_view text, std::string path, Options options)
    : path_(std::move(path)),
      options_(std::move(options)),
      lines_(text, path_, options_.warn) {}

void MapSource::warn(int line, std::string_view text) const {
  if (options_.warn) {
    options_.warn(fmt::format("{}, line {}: {}", path_, line, text));
  }
}

std::optional<SourceEntry> MapSource::next() {
  while (auto line = lines_.next()) {
    SourceEntry entry;
    if (parse(line->text, line->line, entry)) return entry;
  }
  return std::nullopt;
}

bool MapSource::parse(std::string_view line, int number,
                      SourceEntry& entry) const {
  line = trim_right(line);
  if (options_.utf8 && !is_utf8(line)) {
    warn(number,
         fmt::format("non-UTF-8 input \"{}\" -- ignoring this line", line));
    return false;
  }
  size_t end = 0;
  bool quoted = false;
  for (; end < line.size() && (quoted || !is_space(line[end])); ++end) {
    if (line[end] == '\\' && end + 1 < line.size()) {
      ++end;
    } else if (line[end] == '"') {
      quoted = !quoted;
    }
  }
  if (quoted) {
    warn(number,
         fmt::format("unbalanced '\"' in '{}' -- ignoring this line", line));
    return false;
  }
  std::string_view key = line.substr(0, end);
  std::string_view value = trim(line.substr(end));
  if (key.empty() || value.empty()) {
    warn(number, options_.texthash
                     ? "expected format: key whitespace value -- ignoring this "
                       "line"
                     : "expected format: key whitespace value");
    return false;
  }
  if (key.back() == ':') {
    warn(number, "record is in \"key: value\" format; is this an alias file?");
  }
  entry = {std::string(key), std::string(value), number};
  return true;
}

}  // namespace mail::maps
