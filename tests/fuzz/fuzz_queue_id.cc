#include <cstdint>

#include "common/base/check.h"
#include "common/queue/queue_id.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::queue;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto id = QueueId::parse(text);
  if (!id) return 0;
  CHECK(!hash_text(text).empty());
  (void)claimed_inode(text);
  auto fixed = with_inode(text, 4711);
  if (fixed) CHECK(claimed_inode(fixed->text()).value_or(4711) == 4711);
  return 0;
}
