#include "common/config/dovecot/wire.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"

namespace mail::config::dovecot {

namespace {

constexpr char kNewline = '\x03';

void add_part(std::string& line, std::string_view name, std::string value) {
  if (value.empty()) return;
  std::replace(value.begin(), value.end(), '\t', ' ');
  std::replace(value.begin(), value.end(), '\n', ' ');
  line += fmt::format("\t{}={}", name, value);
}

/// Calls `take` with name and value of each tab-separated part.
template <class Take>
void for_each_part(std::string_view line, Take take) {
  for (auto part : split(line, "\t")) {
    size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    take(part.substr(0, equals), part.substr(equals + 1));
  }
}

/// The lines up to an empty one (which is not the first); nullopt: not yet.
std::optional<std::string_view> take_block(std::string_view& bytes) {
  size_t first = bytes.find('\n');
  if (first == std::string_view::npos) return std::nullopt;
  size_t end = bytes.find("\n\n", first);
  if (end == std::string_view::npos) return std::nullopt;
  auto block = bytes.substr(0, end + 1);
  bytes.remove_prefix(end + 2);
  return block;
}

/// "\nERROR text\n".
std::optional<Error> take_error(std::string_view& bytes) {
  constexpr std::string_view kStart = "\nERROR ";
  if (!bytes.starts_with(kStart)) return std::nullopt;
  size_t end = bytes.find('\n', kStart.size());
  if (end == std::string_view::npos) return std::nullopt;
  Error error{Fault::Config,
              std::string(bytes.substr(kStart.size(), end - kStart.size())), 0};
  bytes.remove_prefix(end + 1);
  return error;
}

}  // namespace

std::string write_request(const ConfigRequest& request) {
  std::string line = "REQ";
  for (const auto& module : request.modules) add_part(line, "module", module);
  for (const auto& name : request.exclude) add_part(line, "exclude", name);
  add_part(line, "service", request.context.service);
  add_part(line, "lname", request.context.local_name);
  add_part(line, "lip", request.context.local_ip);
  add_part(line, "rip", request.context.remote_ip);
  return line + "\n";
}

ConfigRequest parse_request(std::string_view line) {
  ConfigRequest out;
  for_each_part(line, [&](std::string_view name, std::string_view value) {
    if (name == "module") out.modules.emplace_back(value);
    if (name == "exclude") out.exclude.emplace_back(value);
    if (name == "service") out.context.service = value;
    if (name == "lname") out.context.local_name = value;
    if (name == "lip") out.context.local_ip = value;
    if (name == "rip") out.context.remote_ip = value;
  });
  return out;
}

std::string reply_flags(const std::vector<Filter>& filters,
                        const Context& context) {
  std::string out;
  bool uses_local = false, uses_remote = false;
  bool used_local = false, used_remote = false;
  for (const auto& filter : filters) {
    bool local = !filter.local.bytes.empty() || !filter.local_name.empty();
    bool remote = !filter.remote.bytes.empty();
    if (context.service.empty() && !filter.service.empty() && !local &&
        !remote) {
      out += fmt::format("service={}\t", filter.service);
    }
    if (!filter.service_may_match(context)) continue;
    uses_local |= local;
    uses_remote |= remote;
    if (!filter.matches(context)) continue;
    used_local |= local;
    used_remote |= remote;
  }
  if (uses_local) out += "service-uses-local\t";
  if (uses_remote) out += "service-uses-remote\t";
  if (used_local) out += "used-local\t";
  if (used_remote) out += "used-remote\t";
  return out;
}

std::string write_reply(std::string_view flags, const FlatSettings& values) {
  std::string out(flags);
  out += '\n';
  for (const auto& [key, value] : values) {
    out += key;
    out += '=';
    size_t start = out.size();
    out += value;
    std::replace(out.begin() + static_cast<ptrdiff_t>(start), out.end(), '\n',
                 kNewline);
    out += '\n';
  }
  return out + "\n";
}

std::string write_filters(const std::vector<Filter>& filters) {
  std::string out;
  auto network = [](const Network& net) {
    if (net.bytes.empty()) return std::string();
    std::string text = net.text();
    if (text.find('/') != std::string::npos) return text;
    return fmt::format("{}/{}", text, net.bits);
  };
  for (const auto& filter : filters) {
    out += "FILTER";
    add_part(out, "service", filter.service);
    add_part(out, "local-name", filter.local_name);
    add_part(out, "local-net", network(filter.local));
    add_part(out, "remote-net", network(filter.remote));
    out += '\n';
  }
  return out + "\n";
}

std::optional<Result<FlatSettings>> take_reply(std::string_view& bytes) {
  if (auto error = take_error(bytes)) {
    return Result<FlatSettings>(fail(std::move(*error)));
  }
  // A request without any value: flags, LF, LF.
  auto block = take_block(bytes);
  if (!block) return std::nullopt;
  FlatSettings out;
  auto lines = split_exact(*block, '\n');
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    size_t equals = lines[i].find('=');
    if (equals == std::string_view::npos) {
      return Result<FlatSettings>(
          fail(Fault::Protocol, "config: a line without '='"));
    }
    std::string value(lines[i].substr(equals + 1));
    std::replace(value.begin(), value.end(), kNewline, '\n');
    out.emplace_back(lines[i].substr(0, equals), std::move(value));
  }
  return Result<FlatSettings>(std::move(out));
}

std::optional<Result<std::vector<Filter>>> take_filters(
    std::string_view& bytes) {
  if (auto error = take_error(bytes)) {
    return Result<std::vector<Filter>>(fail(std::move(*error)));
  }
  auto block = take_block(bytes);
  if (!block) return std::nullopt;
  std::vector<Filter> out;
  for (auto line : split(*block, "\n")) {
    Filter filter;
    for_each_part(line, [&](std::string_view name, std::string_view value) {
      if (name == "service") filter.service = value;
      if (name == "local-name") filter.local_name = value;
      if (name == "local-net") filter.local = Network::parse(value);
      if (name == "remote-net") filter.remote = Network::parse(value);
    });
    out.push_back(std::move(filter));
  }
  return Result<std::vector<Filter>>(std::move(out));
}

}  // namespace mail::config::dovecot
