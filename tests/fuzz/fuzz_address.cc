#include "common/base/check.h"
#include "common/mime/address.h"
#include "common/mime/address_list.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::mime;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  AddressList list(text);
  list.header("To");
  (void)parse_envelope_address(text, EnvelopeSyntax::Strict);
  auto address = parse_envelope_address(text, EnvelopeSyntax::Lenient);
  // What was taken survives the way out and in.
  if (address) CHECK(unquote_local(quote_local(*address)) == *address);
  return 0;
}
