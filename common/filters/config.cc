#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/filters/filter.h"

namespace mail::filters {

namespace {

Result<> set_attribute(Config& config, std::string_view name,
                       std::string_view value) {
  if (name == "default_action") {
    config.default_action = value;
    return {};
  }
  if (name == "protocol") {
    config.protocol = value;
    return {};
  }
  Duration* timeout = name == "connect_timeout"   ? &config.connect_timeout
                      : name == "command_timeout" ? &config.command_timeout
                      : name == "content_timeout" ? &config.content_timeout
                                                  : nullptr;
  auto seconds = parse_time(value, 's');
  if (!timeout || !seconds) {
    return fail(Fault::Config,
                fmt::format("bad milter configuration: {}={}", name, value));
  }
  *timeout = std::chrono::seconds(*seconds);
  return {};
}

/// The words between the outer braces: "inet:host:port, name = value, ...".
Result<Config> parse_braced(std::string_view inside, Config config) {
  std::string_view rest = trim(inside);
  size_t end = std::min(rest.find_first_of(kListSeparators), rest.size());
  config.name = rest.substr(0, end);
  rest.remove_prefix(end);
  for (std::string_view piece : split_braced(rest, ",\r\n")) {
    piece = trim(piece);
    if (piece.empty()) continue;
    if (piece.front() == '{' && piece.back() == '}') {
      piece = trim(piece.substr(1, piece.size() - 2));
    }
    // Blanks separate too, where none stand around the equal sign.
    while (!piece.empty()) {
      size_t equal = piece.find('=');
      if (equal == std::string_view::npos) {
        return fail(
            Fault::Config,
            fmt::format("missing '=' after attribute name: \"{}\"", piece));
      }
      std::string_view name = trim(piece.substr(0, equal));
      piece = trim_left(piece.substr(equal + 1));
      size_t stop = std::min(piece.find_first_of(" \t"), piece.size());
      if (name == "protocol") {  // may be several words
        size_t next = piece.find('=');
        stop = next == std::string_view::npos ? piece.size()
                                              : piece.rfind(' ', next);
      }
      TRY(set_attribute(config, name, trim(piece.substr(0, stop))));
      piece = trim_left(piece.substr(std::min(stop, piece.size())));
    }
  }
  return config;
}

}  // namespace

Result<std::vector<Config>> parse_configs(std::string_view value,
                                          const Config& defaults) {
  std::vector<Config> out;
  for (std::string_view word : split_braced(value)) {
    if (word.front() == '{') {
      if (word.back() != '}') {
        return fail(Fault::Config, fmt::format("missing '}}' in \"{}\"", word));
      }
      out.push_back(
          TRY(parse_braced(word.substr(1, word.size() - 2), defaults)));
      continue;
    }
    Config config = defaults;
    config.name = word;
    out.push_back(std::move(config));
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_macro_defaults(
    std::string_view value) {
  std::vector<std::pair<std::string, std::string>> out;
  for (std::string_view word : split_braced(value)) {
    bool grouped = word.front() == '{' && word.back() == '}' &&
                   word.find('=') != std::string_view::npos;
    if (grouped) word = trim(word.substr(1, word.size() - 2));
    size_t equal = word.find('=');
    if (equal == std::string_view::npos) {
      return fail(Fault::Config,
                  fmt::format("milter_macro_defaults: missing '=' after "
                              "attribute name: \"{}\"",
                              word));
    }
    std::string_view name = trim(word.substr(0, equal));
    if (name.size() > 2 && name.front() == '{' && name.back() == '}') {
      name = name.substr(1, name.size() - 2);
    }
    out.emplace_back(name, trim(word.substr(equal + 1)));
  }
  return out;
}

}  // namespace mail::filters
