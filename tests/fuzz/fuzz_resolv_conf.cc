#include <cstdint>

#include "common/dns/hosts.h"
#include "common/dns/resolv_conf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)mail::dns::parse_resolv_conf(text);
  (void)mail::dns::Hosts::parse(text);
  return 0;
}
