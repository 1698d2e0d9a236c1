#include "common/mime/address_list.h"
#include "tests/fuzz/input.h"

/// Rewriting every address leaves as many as there were.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  mail::mime::AddressList list(in.rest(), 100);
  for (size_t i = 0; i < list.size(); ++i) (void)list.internal(i);
  (void)list.value();
  for (size_t i = 0; i < list.size(); ++i) list.set_internal(i, "a b@c");
  must(list.header("To").size() >= 3 + 7 * list.size());
  return 0;
}
