#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "smtpd/restrict/dnsbl.h"

namespace mail::smtpd::restriction {

namespace {

Failure bad(std::string_view filter) {
  return fail(Fault::Config,
              fmt::format("bad DNSBL filter syntax: {}", filter));
}

// "3" or "3..7"
bool add_range(std::vector<uint8_t>& out, std::string_view text) {
  size_t dots = text.find("..");
  auto low = parse_number<uint8_t>(trim(text.substr(0, dots)));
  auto high = dots == text.npos
                  ? low
                  : parse_number<uint8_t>(trim(text.substr(dots + 2)));
  if (!low || !high || *low > *high) return false;
  for (int n = *low; n <= *high; ++n) out.push_back(static_cast<uint8_t>(n));
  return true;
}

// One part: a number, or [a;b..c]. Takes it off `rest`.
bool take_part(std::vector<uint8_t>& out, std::string_view& rest) {
  if (!rest.starts_with('[')) {
    size_t end = std::min(rest.find('.'), rest.size());
    bool ok = add_range(out, rest.substr(0, end));
    rest.remove_prefix(end);
    return ok;
  }
  size_t end = rest.find(']');
  if (end == rest.npos) return false;
  for (auto piece : split_exact(rest.substr(1, end - 1), ';')) {
    if (!add_range(out, piece)) return false;
  }
  rest.remove_prefix(end + 1);
  return true;
}

}  // namespace

Result<DnsblRule> parse_dnsbl(std::string_view text) {
  DnsblRule rule;
  size_t equals = text.find('=');
  rule.domain = text.substr(0, equals);
  if (equals == text.npos) return rule;
  std::string_view filter = text.substr(equals + 1), rest = filter;
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      if (!rest.starts_with('.')) return bad(filter);
      rest.remove_prefix(1);
    }
    if (!take_part(rule.filter.emplace_back(), rest)) return bad(filter);
  }
  if (!rest.empty()) return bad(filter);
  return rule;
}

bool filter_matches(const std::vector<std::vector<uint8_t>>& filter,
                    const net::IpAddress& address) {
  if (filter.empty()) return true;
  if (!address.is_v4()) return false;
  std::string_view bytes = address.bytes();
  for (size_t i = 0; i < filter.size(); ++i) {
    auto byte = static_cast<uint8_t>(bytes[i]);
    if (std::find(filter[i].begin(), filter[i].end(), byte) ==
        filter[i].end()) {
      return false;
    }
  }
  return true;
}

}  // namespace mail::smtpd::restriction
