#include "common/mailview/message_facts.h"
using namespace mail;
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  mailview::MessageKeys keys, other;
  if (mailview::unpack_keys(text, keys)) {
    std::string packed = mailview::pack_keys(keys);
    if (!mailview::unpack_keys(packed, other)) __builtin_trap();
    if (mailview::pack_keys(other) != packed) __builtin_trap();
  }
  (void)mailview::HeaderFacts::unpack(text);
  mime::EnvelopeScan scan(text);
  std::string packed = mailview::pack_headers(scan.fields());
  auto facts = mailview::HeaderFacts::unpack(packed);
  if (!facts) __builtin_trap();
  if (mailview::pack_headers(facts->envelope) != packed) __builtin_trap();
  (void)mailview::pack_keys(mailview::keys_of(scan));
  return 0;
}
