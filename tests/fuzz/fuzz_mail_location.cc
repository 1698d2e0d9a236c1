#include "common/mailbox/location.h"
#include "common/mailbox/maildir_name.h"
#include "common/mailbox/name.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace mail::mailbox;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_location(text, Owner{"u", "/nonexistent", "", ""});
  (void)parse_maildir_name(text);
  auto name = from_mutf7(text);
  if (name && to_mutf7(*name) != text) __builtin_trap();
  return 0;
}
