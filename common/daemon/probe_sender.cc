#include "common/daemon/probe_sender.h"

#include <algorithm>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/mime/address.h"

namespace mail::daemon {

namespace param = config::param;

namespace {

// No vowels, no lower case: mail systems may fold the case of local parts.
constexpr std::string_view kDigits = "0123456789BCDFGHJKLMNPQRSTVWXYZ";

std::string period_of(time_t now, long ttl) {
  auto number = static_cast<uint64_t>(now / ttl);
  std::string out;
  do {
    out += kDigits[number % kDigits.size()];
    number /= kDigits.size();
  } while (number != 0);
  std::ranges::reverse(out);
  return out;
}

}  // namespace

std::string probe_sender(const config::Settings& settings, time_t now) {
  std::string sender = settings.get(param::address_verify_sender);
  if (sender.empty() || sender == "<>") return {};
  auto parts = mime::split_address(sender);
  std::string out(parts.local);
  long ttl = settings.get(param::address_verify_sender_ttl).count();
  if (ttl > 0) out += period_of(now, ttl);
  out += '@';
  return out.append(parts.domain ? *parts.domain
                                 : settings.get(param::myorigin));
}

bool is_probe_sender(const config::Settings& settings, std::string_view address,
                     time_t now) {
  if (address.empty()) return false;
  if (iequals(address, probe_sender(settings, now))) return true;
  long ttl = settings.get(param::address_verify_sender_ttl).count();
  return ttl > 0 && iequals(address, probe_sender(settings, now - ttl));
}

}  // namespace mail::daemon
