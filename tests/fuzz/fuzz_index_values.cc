#include "common/mailbox/cache_block.h"
#include "common/mailbox/index_format.h"
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace mail::mailbox;
  std::string_view text(reinterpret_cast<const char*>(data), size), odd;
  CacheBlock block(text), again(block.bytes());
  for (uint32_t uid = 64; uid < 128; ++uid) {
    if (block.get(uid) != again.get(uid)) __builtin_trap();
  }
  Record record, other;
  if (unpack_record(text, record, odd)) {
    std::string packed = pack_record(record, odd);
    if (!unpack_record(packed, other, odd)) __builtin_trap();
    if (other.name != record.name) __builtin_trap();
  }
  IndexHeader header;
  if (unpack_header(text, header)) (void)pack_header(header);
  return 0;
}
