#include "common/dkim/key_record.h"
#include "common/dkim/tag_list.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::dkim;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto signature = read_signature(text, 1000000000, 300);
  auto record = read_key_record(text);
  if (signature.algorithm) (void)match_key(record, signature);
  (void)find_data(text);
  (void)decode_quoted(encode_quoted(text));
  return 0;
}
