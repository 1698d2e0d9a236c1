#include <cstdint>

#include "common/tls/options.h"
#include "common/tls/protocols.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)mail::tls::parse_protocols(text);
  (void)mail::tls::cipher_list("medium", text, mail::tls::CipherLists());
  (void)mail::tls::parse_level(text);
  return 0;
}
