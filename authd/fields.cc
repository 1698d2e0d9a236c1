#include "authd/fields.h"

#include <fmt/format.h>

#include <map>

#include "authd/log_lines.h"
#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/net/address.h"
#include "common/process/ids.h"

namespace mail::authd {

namespace {

bool in_network(std::string_view text, const net::IpAddress& address) {
  size_t slash = text.find('/');
  auto network = net::IpAddress::parse(text.substr(0, slash));
  if (!network || network->is_v4() != address.is_v4()) return false;
  unsigned bits = network->bit_count();
  if (slash != std::string_view::npos) {
    auto said = parse_number<unsigned>(text.substr(slash + 1));
    if (!said || *said > bits) return false;
    bits = *said;
  }
  return address.in_network(*network, bits);
}

void rename(Request& request, std::string new_name, std::string_view log_name) {
  if (new_name == request.user || new_name.empty()) return;
  if (request.settings->debug) {
    log_lines::debug(request.line(
        log_name,
        fmt::format("username changed {} -> {}", request.user, new_name)));
  }
  request.user = std::move(new_name);
  request.user_changed = true;
}

/// allow_nets, allow_real_nets.
bool allowed(const Request& request, std::string_view networks,
             const std::string& address, std::string_view name,
             std::string_view log_name) {
  if (request.settings->debug) {
    for (std::string_view network : split(networks, ", ")) {
      log_lines::debug(request.line(
          log_name, fmt::format("{}: Matching for network {}", name, network)));
      if (in_networks(network, address)) break;
    }
  }
  if (in_networks(networks, address)) return true;
  if (address.empty()) {
    log_lines::info(request.line(
        log_name, fmt::format("{} check failed: Remote IP not known and "
                              "'local' missing",
                              name)));
  } else {
    log_lines::info(request.line(
        log_name, fmt::format("{} check failed: IP {} not in allowed networks",
                              name, address)));
  }
  return false;
}

/// One field; the reason to refuse, if it is one.
std::optional<PassResult> apply(Request& request, std::string_view name,
                                const std::string& value,
                                std::string_view log_name) {
  if (name.ends_with(":protected")) {
    name.remove_suffix(10);
    if (request.extra.has(name)) return std::nullopt;
  } else if (name.ends_with(":remove")) {
    request.extra.remove(name.substr(0, name.size() - 7));
    return std::nullopt;
  }
  if (name.empty() || name == "password" || name == "password_noscheme") {
    return std::nullopt;
  }
  if (name == "user") {
    rename(request, value, log_name);
  } else if (name == "username") {
    size_t at = request.user.find('@');
    rename(request,
           at == std::string::npos || value.find('@') != std::string::npos
               ? value
               : value + request.user.substr(at),
           log_name);
  } else if (name == "domain") {
    rename(request,
           request.user.substr(0, request.user.find('@')) + "@" + value,
           log_name);
  } else if (name == "nopassword") {
    request.no_password = true;
  } else if (name == "noauthenticate") {
    request.no_authenticate = true;
  } else if (name == "login_user") {
    request.login_user = value;
    request.extra.set(name, value, true);
  } else if (name == "allow_nets") {
    if (!allowed(request, value, request.info.remote_ip, name, log_name)) {
      return PassResult::Mismatch;
    }
  } else if (name == "allow_real_nets") {
    const std::string& real = request.info.real_remote_ip.empty()
                                  ? request.info.remote_ip
                                  : request.info.real_remote_ip;
    if (!allowed(request, value, real, name, log_name)) {
      return PassResult::Mismatch;
    }
  } else if (name == "fail") {
    return PassResult::Mismatch;
  } else if (name == "passdb_import") {
    auto imported = ipc::tab_fields(ipc::tab_split(value), 0);
    for (const auto& field : imported.all()) {
      auto why = apply(request, field.name, field.value.value_or(""), log_name);
      if (why) return why;
    }
  } else if (name == "userdb_userdb_import") {
    auto imported = ipc::tab_fields(ipc::tab_split(value), 0);
    for (const auto& field : imported.all()) {
      request.userdb.set(field.name, field.value.value_or(""));
    }
    request.userdb_prefetched = true;
    request.extra.set(name, value, true);
  } else if (name.starts_with("userdb_")) {
    request.userdb.set(name.substr(7), value);
    request.userdb_prefetched = true;
    request.extra.set(name, value, true);
  } else {
    if (name == "nodelay") request.nodelay = true;
    request.extra.set(name, value);
  }
  return std::nullopt;
}

/// A user's or group's number; nullopt: no such name. Names are few, so they
/// are remembered for the life of the process.
std::optional<std::string> number_of(const std::string& name, bool is_user) {
  if (parse_number<unsigned>(name)) return name;
  static std::map<std::pair<bool, std::string>, std::string> known;
  auto at = known.find({is_user, name});
  if (at != known.end()) return at->second;
  std::optional<unsigned> id;
  if (is_user) {
    auto found = process::find_user(name);
    if (found && *found) id = (*found)->uid;
  } else {
    auto found = process::find_group(name);
    if (found && *found) id = **found;
  }
  if (!id) return std::nullopt;
  return known[{is_user, name}] = fmt::format("{}", *id);
}

}  // namespace

bool in_networks(std::string_view networks, std::string_view address) {
  auto parsed = net::IpAddress::parse(address);
  for (std::string_view network : split(networks, ", ")) {
    if (network == "local") {
      if (address.empty()) return true;
    } else if (parsed && in_network(network, *parsed)) {
      return true;
    }
  }
  return false;
}

std::optional<PassResult> apply_pass_fields(Request& request,
                                            const ipc::TabFields& fields,
                                            std::string_view log_name) {
  std::optional<PassResult> refused;
  for (const auto& field : fields.all()) {
    auto why = apply(request, field.name, field.value.value_or(""), log_name);
    if (why && !refused) refused = why;
  }
  return refused;
}

bool apply_user_fields(Request& request, const ipc::TabFields& fields,
                       std::string_view log_name) {
  for (const auto& field : fields.all()) {
    std::string_view name = field.name;
    std::string value = field.value.value_or("");
    if (name.ends_with(":protected")) {
      name.remove_suffix(10);
      if (request.userdb.has(name)) continue;
    } else if (name.ends_with(":remove")) {
      request.userdb.remove(name.substr(0, name.size() - 7));
      continue;
    }
    if (name == "uid" || name == "gid") {
      auto number = number_of(value, name == "uid");
      if (!number) {
        log_lines::error(request.line(
            log_name, fmt::format("Invalid {} value '{}'",
                                  name == "uid" ? "UID" : "GID", value)));
        return false;
      }
      value = *number;
    } else if (name == "user") {
      rename(request, value, log_name);
      continue;
    } else if (name == "userdb_import") {
      auto imported = ipc::tab_fields(ipc::tab_split(value), 0);
      for (const auto& one : imported.all()) {
        request.userdb.set(one.name, one.value.value_or(""));
      }
      continue;
    }
    request.userdb.set(name, value);
  }
  return true;
}

}  // namespace mail::authd
