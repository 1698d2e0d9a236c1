#include "tests/fuzz/sendmail_records.h"

/// However the input is cut, the same records come out.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  unsigned mode = in.byte();
  must(records(in.rest(), 1, mode) == records(in.rest(), SIZE_MAX / 2, mode));
  (void)mail::sendmail::addresses_of(in.rest());
  return 0;
}
