#include <cstddef>
#include <cstdint>

#include "common/config/postfix/master_cf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::config;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto services = parse_master_cf(text, "m", {}, {})) {
    for (const MasterService& service : *services) {
      (void)overrides_of(service.args);
      (void)is_disabled(text, service);
    }
  }
  return 0;
}
