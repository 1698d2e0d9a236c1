#include "delivery/local/items.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  (void)mail::local::parse_items(in.rest(), "/home/user");
  (void)mail::local::parse_lines(in.rest(), "");
  return 0;
}
