#include "master/postlogd/record.h"

#include "common/base/ascii.h"

namespace mail::postlogd {

namespace {

constexpr size_t kTimeSize = 16;  // "Nov 24 03:17:34 "

struct LevelWord {
  std::string_view word;
  log::Level level;
};
constexpr LevelWord kLevels[] = {{"warning: ", log::Level::Warning},
                                 {"error: ", log::Level::Error},
                                 {"fatal: ", log::Level::Fatal},
                                 {"panic: ", log::Level::Panic}};

}  // namespace

std::optional<Record> parse_record(std::string_view datagram) {
  if (datagram.size() <= kTimeSize || datagram[kTimeSize - 1] != ' ') {
    return std::nullopt;
  }
  std::string_view rest = datagram.substr(kTimeSize);
  size_t host_end = rest.find(' ');
  if (host_end == rest.npos) return std::nullopt;
  rest.remove_prefix(host_end + 1);
  size_t colon = rest.find(": ");
  if (colon == rest.npos || colon == 0) return std::nullopt;
  Record out;
  out.ident = rest.substr(0, colon);
  rest.remove_prefix(colon + 2);
  for (const auto& [word, level] : kLevels) {
    if (!rest.starts_with(word)) continue;
    out.level = level;
    rest.remove_prefix(word.size());
    break;
  }
  out.text = rest;
  return out;
}

bool has_prefix(std::string_view path, std::string_view prefixes) {
  for (auto prefix : split(prefixes)) {
    while (prefix.size() > 1 && prefix.ends_with('/')) prefix.remove_suffix(1);
    if (!path.starts_with(prefix)) continue;
    if (path.size() == prefix.size() || path[prefix.size()] == '/' ||
        prefix == "/") {
      return true;
    }
  }
  return false;
}

}  // namespace mail::postlogd
