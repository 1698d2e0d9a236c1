#include "common/dns/resolv_conf.h"

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::dns {

namespace {

constexpr std::string_view kBlank = " \t\r";
constexpr size_t kMaxServers = 3, kMaxSearch = 6;

void set_number(std::string_view option, std::string_view name, unsigned least,
                unsigned most, unsigned& out) {
  if (!option.starts_with(name)) return;
  if (auto value = parse_number<unsigned>(option.substr(name.size()))) {
    out = std::clamp(*value, least, most);
  }
}

void parse_option(std::string_view option, ResolvConf& conf) {
  set_number(option, "ndots:", 0, 15, conf.ndots);
  set_number(option, "timeout:", 1, 30, conf.timeout);
  set_number(option, "attempts:", 1, 5, conf.attempts);
  if (option == "rotate") conf.rotate = true;
  if (option == "use-vc") conf.use_tcp = true;
  if (option == "trust-ad") conf.trust_ad = true;
}

void add_server(std::string_view text, ResolvConf& conf) {
  // "fe80::1%eth0": a link-local server needs its interface; libc alone knows.
  text = text.substr(0, text.find('%'));
  auto address = net::IpAddress::parse(text);
  if (!address || conf.servers.size() == kMaxServers) return;
  net::Endpoint server;
  server.address = *address;
  server.port = 53;
  conf.servers.push_back(server);
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf conf;
  for (auto line : split_exact(text, '\n')) {
    if (line.starts_with('#') || line.starts_with(';')) continue;
    line = line.substr(0, line.find_first_of("#;"));
    auto words = split(line, kBlank);
    if (words.size() < 2) continue;
    if (words[0] == "nameserver") {
      add_server(words[1], conf);
    } else if (words[0] == "search" || words[0] == "domain") {
      conf.search.clear();
      size_t most = words[0] == "domain" ? 1 : kMaxSearch;
      for (size_t i = 1; i < words.size() && i <= most; ++i) {
        conf.search.emplace_back(words[i]);
      }
    } else if (words[0] == "options") {
      for (size_t i = 1; i < words.size(); ++i) parse_option(words[i], conf);
    }
  }
  if (conf.servers.empty()) add_server("127.0.0.1", conf);
  return conf;
}

}  // namespace mail::dns
