#include "smtpd/restrict/kinds.h"

#include <map>

#include "common/base/ascii.h"

namespace mail::smtpd::restriction {

namespace {

std::map<std::string_view, const Kind*> all_kinds() {
  std::map<std::string_view, const Kind*> out;
  for (auto kinds :
       {general_kinds(), client_kinds(), helo_kinds(), sender_kinds(),
        recipient_kinds(), domain_kinds(), unlisted_kinds(), access_kinds(),
        host_access_kinds(), dnsbl_kinds(), policy_kinds(), probe_kinds()}) {
    for (const Kind& kind : kinds) out.emplace(kind.name, &kind);
  }
  return out;
}

}  // namespace

const Kind* find_kind(std::string_view name) {
  static const std::map<std::string_view, const Kind*> all = all_kinds();
  auto at = all.find(lower(name));
  return at == all.end() ? nullptr : at->second;
}

}  // namespace mail::smtpd::restriction
