#include <cstddef>
#include <cstdint>

#include "common/config/dovecot/expand_variables.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::config::dovecot;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Variables variables;
  variables.list = {{'u', "user", "bob@example.com"}, {'n', "username", "bob"}};
  (void)expand_variables(text, variables);
  (void)has_variable(text, 'u', "user");
  return 0;
}
