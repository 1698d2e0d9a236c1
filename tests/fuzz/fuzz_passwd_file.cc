#include <cstdint>

#include "authd/passwd_file.h"
#include "authd/sql_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)mail::authd::parse_passwd_file(text);
  (void)mail::authd::SqlConfig::parse(text, "x");
  return 0;
}
