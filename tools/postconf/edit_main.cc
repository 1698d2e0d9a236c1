#include <fmt/core.h>

#include <map>

#include "common/base/ascii.h"
#include "common/config/postfix/main_cf.h"
#include "tools/postconf/edit.h"

namespace mail::postconf {

namespace {

struct Request {
  std::string value;
  int seen = 0;
};
using Requests = std::map<std::string, Request, std::less<>>;

Result<Requests> parse_requests(const Options& options,
                                const config::WarningSink& warn) {
  Requests requests;
  for (const std::string& arg : options.args) {
    std::string_view text = trim_left(arg);
    if (text.find('\n') != text.npos) {
      return bad("-e, -X, or -# accepts no multi-line input");
    }
    if (text.starts_with('#')) {
      return bad("-e, -X, or -# accepts no comment input");
    }
    if (options.has('e')) {
      auto pair = TRY(config::split_definition(text));
      const auto& [name, value] = pair;
      auto [at, is_new] = requests.try_emplace(name);
      if (!is_new && warn) {
        warn(fmt::format("ignoring earlier request: '{} = {}'", name,
                         at->second.value));
      }
      at->second.value = value;
      continue;
    }
    std::string_view name = trim(text);
    if (name.empty())
      return bad(fmt::format("missing attribute name: \"{}\"", arg));
    requests.try_emplace(std::string(name));
  }
  return requests;
}

/// The name at the start of a logical line.
std::string_view name_of(std::string_view line) {
  size_t end = 0;
  while (end < line.size() && line[end] != '=' && !is_space(line[end])) ++end;
  return line.substr(0, end);
}

}  // namespace

Result<std::string> edit_main(std::string_view text, std::string_view path,
                              const Options& options,
                              const config::WarningSink& warn) {
  Requests requests = TRY(parse_requests(options, warn));
  std::string out;
  bool matched = false;  // the logical line that we are in
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    std::string_view start = trim_left(line);
    if (start.empty() || start.front() == '#') {
      out.append(line).append("\n");
      continue;
    }
    bool continues = is_space(line.front());
    if (!continues) {
      auto at = requests.find(name_of(line));
      matched = at != requests.end();
      if (matched) {
        ++at->second.seen;
        if (options.has('e')) {
          out += fmt::format("{} = {}\n", at->first, at->second.value);
        }
      }
    }
    if (!matched) {
      out.append(line).append("\n");
    } else if (options.has('#')) {
      out.append("#").append(line).append("\n");
    }
  }
  for (const auto& [name, request] : requests) {
    if (request.seen > 1 && warn) {
      warn(fmt::format("{}: multiple entries for \"{}\"", path, name));
    }
    if (request.seen == 0 && options.has('e')) {
      out += fmt::format("{} = {}\n", name, request.value);
    }
  }
  return out;
}

}  // namespace mail::postconf
