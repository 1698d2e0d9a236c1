#include "common/config/postfix/bounce_templates.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  auto ignore = [](std::string_view) {};
  auto read = mail::config::parse_bounce_templates(in.rest(), "file", ignore);
  if (read) (void)mail::config::dump_bounce_templates(*read);
  return 0;
}
