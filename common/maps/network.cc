#include "common/maps/network.h"

#include <fmt/core.h>

#include "common/base/number.h"

namespace mail::maps {
namespace {

Failure bad(std::string_view what, std::string_view text) {
  return fail(Fault::Config, fmt::format("{} \"{}\"", what, text));
}

}  // namespace

Result<Network> Network::parse(std::string_view text) {
  std::string_view host = text, mask;
  bool bracketed = !text.empty() && text.front() == '[';
  size_t slash = text.find('/');
  if (slash != text.npos) {
    host = text.substr(0, slash);
    mask = text.substr(slash + 1);
  }
  if (bracketed) {
    if (host.size() < 2 || host.back() != ']') {
      return bad("bad address pattern:", text);
    }
    host = host.substr(1, host.size() - 2);
  }
  std::optional<unsigned> bits;
  if (slash != text.npos) {
    bits = parse_number<unsigned>(mask);
    if (!bits) return bad("bad mask value in", text);
  }
  auto address = net::IpAddress::parse(host);
  if (!address) return bad("bad address pattern:", text);
  // ::ffff:192.0.2.0/120 is 192.0.2.0/24, as the addresses are the same.
  constexpr unsigned kMapped = 96;
  bool mapped = address->is_v4() && host.find(':') != host.npos;
  if (mapped && bits && *bits >= kMapped) *bits -= kMapped;
  Network network{*address, bits.value_or(address->bit_count())};
  if (network.bits > address->bit_count()) {
    return bad("bad mask length in", text);
  }
  net::IpAddress masked = address->masked(network.bits);
  if (masked != *address) {
    std::string better = bracketed
                             ? fmt::format("[{}]/{}", masked.text(), *bits)
                             : fmt::format("{}/{}", masked.text(), *bits);
    return fail(Fault::Config,
                fmt::format("non-null host address bits in \"{}\", perhaps you "
                            "should use \"{}\" instead",
                            text, better));
  }
  return network;
}

}  // namespace mail::maps
