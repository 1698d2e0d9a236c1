#include "delivery/smtp/destination.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>

#include <array>
#include <optional>
#include <utility>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::smtpc {
namespace {

// Those that every machine agrees on; /etc/services may be out of reach.
constexpr std::array<std::pair<std::string_view, uint16_t>, 6> kPorts = {
    {{"smtp", 25},
     {"lmtp", 24},
     {"smtps", 465},
     {"submissions", 465},
     {"submission", 587},
     {"qmqp", 628}}};

std::optional<uint16_t> port_number(std::string_view text) {
  if (auto number = parse_number<uint16_t>(text)) return number;
  for (const auto& [name, port] : kPorts) {
    if (name == text) return port;
  }
  const servent* found = getservbyname(std::string(text).c_str(), "tcp");
  if (found == nullptr) return std::nullopt;
  return ntohs(static_cast<uint16_t>(found->s_port));
}

// "host", "host:port", "[host]", "[host]:port"; a bare IPv6 address has no
// port.
std::pair<std::string_view, std::string_view> cut_port(std::string_view text) {
  size_t colon = std::string_view::npos;
  if (text.starts_with('[')) {
    size_t end = text.find(']');
    if (end == std::string_view::npos) return {text, {}};
    if (end + 1 < text.size() && text[end + 1] == ':') colon = end + 1;
  } else {
    colon = text.rfind(':');
    if (colon != std::string_view::npos && text.find(':') != colon) {
      return {text, {}};
    }
  }
  if (colon == std::string_view::npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

Result<Destination> parse_destination(std::string_view text,
                                      std::string_view default_port,
                                      config::ClientMode mode) {
  Destination out;
  out.text = text;
  if (mode == config::ClientMode::Lmtp) {
    if (text.starts_with("unix:")) {
      out.path = text.substr(5);
      out.mx = false;
      return out;
    }
    if (text.starts_with("inet:")) text.remove_prefix(5);
    out.mx = false;
  }
  auto [host, port] = cut_port(text);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    out.mx = false;
  }
  if (istarts_with(host, "ipv6:")) host.remove_prefix(5);
  if (port.empty()) port = default_port;
  auto number = port_number(port);
  if (host.empty() || !number || *number == 0) {
    return fail(Fault::Config,
                host.empty()
                    ? fmt::format("empty host name in destination: {}", text)
                    : fmt::format("unknown service: {}/tcp", port));
  }
  out.host = host;
  out.port = *number;
  return out;
}

Result<std::vector<Destination>> parse_destinations(
    std::string_view list, std::string_view default_port,
    config::ClientMode mode) {
  std::vector<Destination> out;
  for (auto item : split(list)) {
    out.push_back(TRY(parse_destination(item, default_port, mode)));
  }
  return out;
}

}  // namespace mail::smtpc
