#include "common/config/postfix/master_cf.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <limits>
#include <optional>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/config/postfix/logical_lines.h"
#include "common/config/postfix/networks.h"

namespace mail::config {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kTypeNames[] = {"inet", "unix", "unix-dgram", "fifo",
                                           "pass"};
// As in master(8)'s messages.
constexpr std::string_view kFieldNames[] = {
    "service name", "transport type", "private",  "unprivileged",
    "chroot",       "wakeup_time",    "max_proc", "command"};

Failure bad_field(int field, std::string_view value) {
  return fail(Fault::Config, fmt::format("field \"{}\": bad value: \"{}\"",
                                         kFieldNames[field], value));
}

std::string_view next_word(std::string_view& rest) {
  size_t start = rest.find_first_not_of(kBlanks);
  if (start == rest.npos) {
    rest = {};
    return {};
  }
  size_t end = std::min(rest.find_first_of(kBlanks, start), rest.size());
  std::string_view word = rest.substr(start, end - start);
  rest.remove_prefix(end);
  return word;
}

Result<bool> parse_flag(int field, std::string_view word, bool by_default) {
  if (word == "-") return by_default;
  if (word == "y") return true;
  if (word == "n") return false;
  return bad_field(field, word);
}

/// Digits; what is too large counts as the largest.
std::optional<long> parse_count(std::string_view word) {
  if (word.empty()) return std::nullopt;
  for (char c : word) {
    if (!is_digit(c)) return std::nullopt;
  }
  auto number = parse_number<int>(word);
  return number ? *number : std::numeric_limits<int>::max();
}

/// The host part of "[host:]port".
Result<> check_endpoint(std::string_view name) {
  size_t colon = name.rfind(':');
  if (colon == name.npos) return {};
  std::string_view host = name.substr(0, colon);
  bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  std::string address(brackets ? host.substr(1, host.size() - 2) : host);
  if (address.starts_with("ipv6:") || address.starts_with("IPv6:")) {
    address.erase(0, 5);
  }
  unsigned char bytes[16];
  bool is_address = inet_pton(AF_INET, address.c_str(), bytes) == 1 ||
                    inet_pton(AF_INET6, address.c_str(), bytes) == 1;
  if (is_address || address.empty() || (!brackets && is_host_name(address))) {
    return {};
  }
  return fail(Fault::Config,
              fmt::format("valid hostname or network address required in "
                          "\"{}\"",
                          name));
}

Result<> parse_type(std::string_view word, MasterService& service) {
  for (size_t i = 0; i < std::size(kTypeNames); ++i) {
    if (word != kTypeNames[i]) continue;
    service.type = static_cast<ServiceType>(i);
    return {};
  }
  return fail(Fault::Config, fmt::format("bad transport type: {}", word));
}

Result<> parse_wakeup(std::string_view word, MasterService& service) {
  if (word == "-") return {};
  std::string_view digits = word;
  if (digits.ends_with('?')) {
    service.wakeup_when_used = true;
    digits.remove_suffix(1);
  }
  auto number = parse_count(digits);
  if (!number) return bad_field(MasterFields::Wakeup, word);
  service.wakeup = *number;
  return {};
}

/// The fields in the order in which master(8) looks at them.
Result<> parse_field(int field, std::string_view word,
                     const MasterDefaults& defaults, MasterService& service) {
  switch (field) {
    case MasterFields::Service:
      service.name = word;
      return {};
    case MasterFields::Type:
      TRY(parse_type(word, service));
      if (service.type == ServiceType::Inet)
        return check_endpoint(service.name);
      return {};
    case MasterFields::Private:
      service.is_private = TRY(parse_flag(field, word, true));
      if (service.is_private && service.type == ServiceType::Inet) {
        return fail(Fault::Config, "inet service cannot be private");
      }
      return {};
    case MasterFields::Unprivileged:
      service.unprivileged = TRY(parse_flag(field, word, true));
      return {};
    case MasterFields::Chroot:
      service.chroot = TRY(parse_flag(field, word, defaults.chroot));
      service.chroot_by_old_default = word == "-" && defaults.chroot;
      return {};
    case MasterFields::Wakeup:
      return parse_wakeup(word, service);
    case MasterFields::ProcessLimit: {
      auto limit = word == "-" ? std::optional<long>(defaults.process_limit)
                               : parse_count(word);
      if (!limit) return bad_field(field, word);
      service.process_limit = *limit;
      return {};
    }
    default:
      service.command = word;
      return {};
  }
}

Result<MasterService> parse_service(std::string_view text,
                                    const MasterDefaults& defaults) {
  MasterService service;
  std::string_view rest = text;
  for (int field = 0; field < MasterFields::kFields; ++field) {
    std::string_view word = next_word(rest);
    if (word.empty()) {
      return fail(Fault::Config,
                  fmt::format("missing \"{}\" field", kFieldNames[field]));
    }
    if (word == "-" &&
        (field == MasterFields::Type || field == MasterFields::Command)) {
      return fail(
          Fault::Config,
          fmt::format("field \"{}\" has no default value", kFieldNames[field]));
    }
    TRY(parse_field(field, word, defaults, service));
  }
  service.args = TRY(parse_master_args(rest));
  return service;
}

}  // namespace

std::string_view name_of(ServiceType type) {
  return kTypeNames[static_cast<int>(type)];
}

Result<std::vector<std::string>> parse_master_args(
    std::string_view text, const WarningSink& sloppy_warn) {
  std::vector<std::string> args;
  for (std::string_view piece : split_braced(text, kBlanks)) {
    if (piece.front() != '{') {
      args.emplace_back(piece);
      continue;
    }
    int level = 0;
    size_t close = 0;
    for (; close < piece.size(); ++close) {
      if (piece[close] == '{') ++level;
      if (piece[close] == '}' && --level == 0) break;
    }
    std::string error;
    if (close == piece.size()) {
      error = fmt::format("missing '}}' in \"{}\"", piece);
    } else if (close + 1 != piece.size()) {
      error = fmt::format("syntax error after '}}' in \"{}\"", piece);
    }
    if (!error.empty()) {
      if (!sloppy_warn) return fail(Fault::Config, std::move(error));
      sloppy_warn(error);
    }
    args.emplace_back(trim(piece.substr(1, close - 1)));
  }
  return args;
}

Result<std::vector<MasterService>> parse_master_cf(
    std::string_view text, std::string_view path,
    const MasterDefaults& defaults, const WarningSink& warn) {
  std::vector<MasterService> services;
  LogicalLines lines(text, path, warn);
  while (auto line = lines.next()) {
    auto service = parse_service(line->text, defaults);
    if (!service) {
      return fail(Fault::Config, fmt::format("{}: line {}: {}", path,
                                             line->line, service.error().what));
    }
    service->line = line->line;
    services.push_back(std::move(*service));
  }
  return services;
}

Result<std::vector<NameValue>> overrides_of(
    const std::vector<std::string>& args) {
  std::vector<NameValue> overrides;
  for (size_t i = 0; i < args.size(); ++i) {
    std::string_view arg = args[i];
    if (arg.size() < 2 || arg.front() != '-' || arg == "--") break;
    size_t o = arg.find('o', 1);
    if (o == arg.npos) continue;
    std::string_view value = arg.substr(o + 1);
    if (value.empty()) {
      if (++i == args.size()) break;
      value = args[i];
    }
    auto pair = parse_override(value);
    if (!pair) {
      return fail(Fault::Config, fmt::format("invalid \"-o {}\" option value: "
                                             "{}",
                                             value, pair.error().what));
    }
    overrides.push_back(std::move(*pair));
  }
  return overrides;
}

bool is_disabled(std::string_view list, const MasterService& service) {
  std::string_view type = name_of(service.type);
  for (std::string_view item : split(list)) {
    bool disable = true;
    while (item.starts_with('!')) {
      disable = !disable;
      item.remove_prefix(1);
    }
    size_t slash = item.rfind('/');
    bool matches = slash == item.npos
                       ? iequals(item, type)
                       : iequals(item.substr(0, slash), service.name) &&
                             iequals(item.substr(slash + 1), type);
    if (matches) return disable;
  }
  return false;
}

}  // namespace mail::config
