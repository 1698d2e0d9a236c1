#include "smtpd/restrict/dnsbl.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto rule = mail::smtpd::restriction::parse_dnsbl(text);
  if (rule) {
    (void)mail::smtpd::restriction::filter_matches(rule->filter, {});
  }
  return 0;
}
