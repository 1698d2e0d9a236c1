#include "master/service_spec.h"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/config/postfix/networks.h"
#include "common/config/postfix/params.h"

namespace mail::master {

namespace param = config::param;
using config::MasterService;
using config::ServiceType;

namespace {

struct Protocols {
  bool v4 = false, v6 = false;
  bool has(const net::IpAddress& address) const {
    return address.is_v4() ? v4 : v6;
  }
};

Protocols protocols_of(std::string_view text) {
  Protocols out;
  for (auto word : split(text)) {
    out.v4 |= iequals(word, "all") || iequals(word, "ipv4");
    out.v6 |= iequals(word, "all") || iequals(word, "ipv6");
  }
  return out;
}

struct HostAndPort {
  std::string host, port;
};

/// "[host:]port"; the host may be "[2001:db8::1]".
HostAndPort split_name(std::string_view name) {
  size_t colon = name.rfind(':');
  if (colon == name.npos) return {"", std::string(name)};
  std::string_view host = name.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return {std::string(host), std::string(name.substr(colon + 1))};
}

Result<uint16_t> port_of(const std::string& text) {
  if (auto number = parse_number<uint16_t>(text)) return *number;
  servent* found = getservbyname(text.c_str(), "tcp");
  if (!found) {
    return fail(Fault::Config, fmt::format("host or service {} not found: "
                                           "Servname not supported for "
                                           "ai_socktype",
                                           text));
  }
  return ntohs(static_cast<uint16_t>(found->s_port));
}

class Planner {
 public:
  Planner(std::string_view path, const config::Settings& settings,
          const config::HostFacts& host)
      : path_(path),
        settings_(settings),
        host_(host),
        protocols_(protocols_of(settings.get(param::inet_protocols))) {}

  bool has_protocols() const { return protocols_.v4 || protocols_.v6; }

  Result<ServiceSpec> plan(MasterService line) {
    ServiceSpec spec;
    spec.key = fmt::format("{}/{}", name_of(line.type), line.name);
    spec.program = fmt::format("{}/{}", settings_.get(param::daemon_directory),
                               line.command);
    spec.line = std::move(line);
    if (spec.is_inet()) {
      spec.socket = spec.line.name;
      TRY(find_addresses(spec));
      spec.local_only =
          std::all_of(spec.addresses.begin(), spec.addresses.end(),
                      [](auto& at) { return at.address.is_loopback(); });
    } else {
      spec.socket =
          (spec.line.is_private ? "private/" : "public/") + spec.line.name;
      spec.local_only = spec.line.type != ServiceType::Pass;
    }
    return spec;
  }

 private:
  Result<> find_addresses(ServiceSpec& spec) {
    auto [host, port_text] = split_name(spec.line.name);
    uint16_t port = TRY(port_of(port_text));
    auto texts = TRY(host.empty() ? own_interfaces() : resolve(host, spec));
    for (const auto& text : texts) {
      auto address = net::IpAddress::parse(text);
      if (!address || !protocols_.has(*address)) continue;
      net::Endpoint where{*address, port, {}};
      auto& known = spec.addresses;
      if (std::find(known.begin(), known.end(), where) == known.end()) {
        known.push_back(where);
      }
    }
    if (!spec.addresses.empty()) return {};
    return at_line(spec, "no valid IP address found: " + spec.line.name);
  }

  Failure at_line(const ServiceSpec& spec, std::string_view text) {
    return fail(Fault::Config,
                fmt::format("{}: line {}: {}", path_, spec.line.line, text));
  }

  Result<std::vector<std::string>> own_interfaces() {
    const std::string& names = settings_.get(param::inet_interfaces);
    if (iequals(trim(names), "all")) {
      return std::vector<std::string>{"0.0.0.0", "::"};
    }
    auto own = TRY(config::own_addresses(
        names, settings_.get(param::inet_protocols), host_));
    std::vector<std::string> out;
    for (const auto& one : own) out.push_back(one.address);
    return out;
  }

  Result<std::vector<std::string>> resolve(const std::string& name,
                                           const ServiceSpec& spec) {
    if (net::IpAddress::parse(name)) return std::vector<std::string>{name};
    std::vector<std::string> found;
    if (host_.resolve) found = host_.resolve(name);
    if (!found.empty()) return found;
    return at_line(spec, "bad hostname or network address: " + spec.line.name);
  }

  std::string path_;
  const config::Settings& settings_;
  const config::HostFacts& host_;
  Protocols protocols_;
};

void put(std::vector<ServiceSpec>& all, ServiceSpec spec,
         const config::WarningSink& warn) {
  auto same = std::find_if(all.begin(), all.end(),
                           [&](auto& s) { return s.key == spec.key; });
  if (same == all.end()) {
    all.push_back(std::move(spec));
    return;
  }
  if (warn) {
    warn(
        fmt::format("duplicate master.cf entry for service \"{}\" ({}) -- "
                    "using the last entry",
                    spec.line.name, spec.socket));
  }
  *same = std::move(spec);
}

}  // namespace

Result<std::vector<ServiceSpec>> plan_services(
    std::string_view text, std::string_view path,
    const config::Settings& settings, const config::HostFacts& host,
    const config::WarningSink& warn) {
  config::MasterDefaults defaults;
  defaults.chroot = settings.below_level(1);
  defaults.process_limit = settings.get(param::default_process_limit);
  auto lines = TRY(config::parse_master_cf(text, path, defaults, warn));
  Planner planner(path, settings, host);
  const std::string& disabled = settings.get(param::master_service_disable);
  bool told = false;
  std::vector<ServiceSpec> out;
  for (auto& line : lines) {
    if (config::is_disabled(disabled, line)) continue;
    if (line.type == ServiceType::Inet && !planner.has_protocols()) {
      if (!told && warn) {
        warn("all network protocols are disabled (inet_protocols)");
        warn("disabling all type \"inet\" services in master.cf");
      }
      told = true;
      continue;
    }
    put(out, TRY(planner.plan(std::move(line))), warn);
  }
  return out;
}

}  // namespace mail::master
