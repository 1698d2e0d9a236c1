#include "delivery/smtp/parked.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::smtpc {

namespace {

template <class T>
bool number(T& into, std::string_view text) {
  auto value = parse_number<T>(text);
  if (value) into = *value;
  return value.has_value();
}

bool set(Parked& out, std::string_view name, std::string_view value) {
  auto& where = out.server.where;
  if (name == "host") {
    out.server.name = value;
  } else if (name == "path") {
    where.path = value;
  } else if (name == "address") {
    auto address = net::IpAddress::parse(value);
    if (!address) return false;
    where.address = *address;
  } else if (name == "port") {
    return number(where.port, value);
  } else if (name == "can") {
    return number(out.can.bits, value);
  } else if (name == "size") {
    return number(out.can.size_limit, value);
  } else if (name == "auth") {
    out.can.auth_mechanisms = value;
  } else if (name == "xforward") {
    out.can.xforward_names = value;
  } else if (name == "uses") {
    return number(out.uses, value);
  } else if (name == "since") {
    return number(out.since, value);
  }
  return true;  // a later version's
}

}  // namespace

std::string Parked::text() const {
  const auto& where = server.where;
  std::string out = fmt::format("host={}\n", server.name);
  if (where.path.empty()) {
    out +=
        fmt::format("address={}\nport={}\n", where.address.text(), where.port);
  } else {
    out += fmt::format("path={}\n", where.path);
  }
  out += fmt::format("can={}\nsize={}\nauth={}\nxforward={}\n", can.bits,
                     can.size_limit, can.auth_mechanisms, can.xforward_names);
  return out + fmt::format("uses={}\nsince={}\n", uses, since);
}

std::optional<Parked> Parked::parse(std::string_view text) {
  Parked out;
  for (auto line : split(text, "\n")) {
    size_t equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    if (!set(out, line.substr(0, equals), line.substr(equals + 1))) {
      return std::nullopt;
    }
  }
  if (out.server.name.empty() || out.since == 0) return std::nullopt;
  if (out.server.where.path.empty() && out.server.where.port == 0) {
    return std::nullopt;
  }
  return out;
}

}  // namespace mail::smtpc
